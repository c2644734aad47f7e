import numpy as np
import pytest

from evaluation.fidelity import BodyNotFound, body_mask
from evaluation.imaging import Grid, Volume

GRID = Grid((4, 120, 120), (3.0, 1.0, 1.0))


def chest(*, touching=False):
    """A round body with two lungs that lies on a thin table."""
    _, y, x = np.indices(GRID.shape)
    hu = np.full(GRID.shape, -1000.0, dtype=np.float32)
    hu[(y - 55) ** 2 + (x - 60) ** 2 < 40**2] = 40
    for centre in (45, 75):
        hu[(y - 55) ** 2 + (x - centre) ** 2 < 10**2] = -850
    top = 95 if touching else 99
    hu[:, top : top + 2, 5:115] = 200
    return Volume(hu, GRID, "HU")


@pytest.mark.parametrize("touching", [False, True])
def test_lungs_are_in_and_the_table_is_out(touching):
    body = body_mask(chest(touching=touching))

    assert body[:, 55, 45].all()
    assert body[:, 55, 75].all()
    assert not body[:, 95:, :30].any()
    assert body.sum() == pytest.approx(4 * np.pi * 40**2, rel=0.02)


def test_the_mask_lands_on_the_grid_of_the_pet_and_is_empty_outside_the_ct():
    pet = Grid((6, 40, 40), (3.0, 4.0, 4.0))
    body = body_mask(chest(), pet)

    assert body.shape == pet.shape
    assert body[0, 14, 15]
    assert not body[4:].any()


def test_a_body_cut_by_the_field_of_view_keeps_its_border():
    volume = Volume(np.full(GRID.shape, 40.0, np.float32), GRID, "HU")
    assert body_mask(volume).all()


def test_air_alone_is_no_body():
    with pytest.raises(BodyNotFound, match="-500"):
        body_mask(Volume(np.full(GRID.shape, -1000.0, np.float32), GRID, "HU"))


def test_a_pet_beside_the_ct_has_no_body():
    with pytest.raises(BodyNotFound, match="reach"):
        body_mask(chest(), Grid((4, 4, 4), (3.0, 4.0, 4.0), (900.0, 0.0, 0.0)))


def test_a_body_is_found_in_hounsfield_units_only():
    with pytest.raises(ValueError, match="Hounsfield"):
        body_mask(Volume(np.ones(GRID.shape, np.float32), GRID, "SUVbw"))
