"""The volumes of one phantom: repeatable, ordered as physiology is, with labels that fit."""

import numpy as np
import pytest

from synthesis.data import SCANNERS, draw_participant, make_phantom
from tests.synthesis.makers import full_pair, small_pair, small_scanner

LIVER_SHARE = {"none": 0.0, "arterial": 0.12, "venous": 0.45}  # of the aorta's enhancement


def test_the_same_seed_gives_the_same_voxels() -> None:
    again = make_phantom(draw_participant(3), small_scanner())

    np.testing.assert_array_equal(again.ct.array, small_pair().ct.array)
    np.testing.assert_array_equal(again.pet.array, small_pair().pet.array)


def test_ct_is_in_hounsfield_units_and_pet_in_suv_on_grids_of_the_same_extent() -> None:
    pair = full_pair()

    assert (pair.ct.unit, pair.pet.unit) == ("HU", "SUVbw")
    assert pair.ct.array.shape == (72, 192, 192)
    assert pair.pet.array.shape == (72, 96, 96)
    for axis in range(3):
        extent_ct = pair.ct.grid.shape[axis] * pair.ct.grid.spacing_mm[axis]
        extent_pet = pair.pet.grid.shape[axis] * pair.pet.grid.spacing_mm[axis]
        assert extent_ct == pytest.approx(extent_pet)
    assert pair.pet.grid.origin_mm[0] - pair.ct.grid.origin_mm[0] == pytest.approx(100 / 96)


@pytest.mark.parametrize("seed", range(6))
def test_liver_takes_up_more_than_blood_and_blood_more_than_lung(seed: int) -> None:
    pair = small_pair(seed)
    lung = _on_pet(pair.ct.array) < -700
    lung &= np.arange(len(lung))[:, None, None] > 10
    inside = np.zeros_like(lung)
    inside[:, 15:33, 12:36] = True

    liver = pair.pet.array[pair.region("organ:liver")].mean()
    blood = pair.pet.array[pair.region("organ:blood_pool")].mean()

    assert liver > blood > pair.pet.array[lung & inside].mean() * 0.9


def test_liver_and_aorta_have_their_attenuation() -> None:
    pair = full_pair()
    hu = _on_pet(pair.ct.array)
    contrast = pair.participant.body.contrast_hu

    liver = hu[pair.region("organ:liver")].mean()
    blood = hu[pair.region("organ:blood_pool")].mean()

    assert liver == pytest.approx(
        pair.participant.body.liver_hu
        + LIVER_SHARE[pair.participant.body.contrast_phase] * contrast,
        abs=6,
    )
    assert blood == pytest.approx(42 + contrast, abs=12)


def test_each_lung_lies_on_its_side_and_holds_air() -> None:
    pair = full_pair()
    hu = _on_pet(pair.ct.array)
    middle = pair.pet.grid.shape[2] / 2

    for side, sign in (("left", 1), ("right", -1)):
        mask = pair.region(f"organ:lung_{side}")
        # Patient coordinates: the index along x grows towards the left.
        assert sign * (np.nonzero(mask)[2].mean() - middle) > 5
        assert hu[mask].mean() < -600


@pytest.mark.parametrize("seed", range(6))
def test_every_finding_has_a_region_and_large_lesions_measure_what_was_drawn(seed: int) -> None:
    pair = full_pair(seed)
    person = pair.participant

    for lesion in person.lesions:
        measured = pair.pet.array[pair.region(f"lesion:{lesion.unit_id}")].max()
        if lesion.kind == "solid" and 15 < lesion.diameter_mm < 40 and lesion.target_suv > 2:
            assert measured == pytest.approx(lesion.target_suv, rel=0.4)
    for node in person.nodes:
        assert pair.region(f"node:{node.station}").any()
    for site in person.distant_sites:
        assert pair.region(f"distant:{site.site}").any()


def test_an_unknown_region_is_refused_by_name() -> None:
    with pytest.raises(KeyError, match="lesion:99"):
        small_pair().region("lesion:99")


def test_the_same_participant_looks_different_on_another_scanner() -> None:
    other = make_phantom(draw_participant(3), small_scanner("NCU"))

    assert SCANNERS["NCU"].psf_fwhm_mm > SCANNERS["SPH"].psf_fwhm_mm
    assert np.abs(other.pet.array - small_pair().pet.array).mean() > 0.01


def _on_pet(values: np.ndarray) -> np.ndarray:
    z, y, x = values.shape
    return values.reshape(z, y // 2, 2, x // 2, 2).mean(axis=(2, 4))
