import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.imaging import Grid, Volume, overlap, resample

OBLIQUE = Grid(
    shape=(4, 5, 6),
    spacing_mm=(3.0, 2.0, 1.0),
    origin_mm=(10.0, -20.0, 30.0),
    direction=((0.8, -0.6, 0.0), (0.6, 0.8, 0.0), (0.0, 0.0, 1.0)),
)


def test_affine_places_the_first_voxel_at_the_origin_and_steps_along_the_columns_of_direction():
    affine = OBLIQUE.affine()

    assert np.allclose(affine @ [0, 0, 0, 1], [10, -20, 30, 1])
    assert np.allclose(affine @ [1, 0, 0, 1], [10.8, -19.4, 30, 1])
    assert np.allclose(affine @ [0, 1, 0, 1], [10 - 1.2, -20 + 1.6, 30, 1])


def test_voxel_volume_is_in_millilitres():
    assert OBLIQUE.voxel_volume_ml == pytest.approx(0.006)


def test_crop_keeps_every_voxel_where_it_was():
    crop = OBLIQUE.crop((slice(1, 3), slice(2, 5), slice(0, 6)))

    assert crop.shape == (2, 3, 6)
    assert np.allclose(crop.affine() @ [1, 1, 1, 1], OBLIQUE.affine() @ [1, 3, 2, 1])


def test_crop_with_a_step_is_refused():
    with pytest.raises(ValueError, match="step one"):
        OBLIQUE.crop((slice(None, None, 2), slice(None), slice(None)))


@pytest.mark.parametrize(
    ("shift_mm", "same"), [(0.0, True), (0.0009, True), (0.0011, False), (1.0, False)]
)
def test_grids_are_the_same_up_to_the_tolerance(shift_mm, same):
    moved = Grid(
        OBLIQUE.shape, OBLIQUE.spacing_mm, (10.0, -20.0, 30.0 + shift_mm), OBLIQUE.direction
    )
    assert OBLIQUE.same_as(moved) is same


def test_spacing_that_drifts_apart_at_the_far_end_is_another_grid():
    one, other = Grid((1000, 2, 2), (1.0, 1.0, 1.0)), Grid((1000, 2, 2), (1.0001, 1.0, 1.0))
    assert not one.same_as(other)


@pytest.mark.parametrize("spacing", [(0.0, 1.0, 1.0), (-1.0, 1.0, 1.0), (float("nan"), 1.0, 1.0)])
def test_a_grid_without_extent_is_refused(spacing):
    with pytest.raises(ValueError, match="grid needs"):
        Grid((2, 2, 2), spacing)


def test_a_volume_must_fit_its_grid():
    with pytest.raises(ValueError, match="does not fit"):
        Volume(np.zeros((2, 2, 2), np.float32), OBLIQUE, "HU")


@given(st.floats(0.5, 4), st.floats(0.5, 4), st.floats(-10, 10), st.tuples(*[st.floats(-2, 2)] * 4))
def test_linear_resampling_reproduces_a_linear_image(spacing, step, origin, slopes):
    grid = Grid((9, 9, 9), (spacing, spacing, spacing), (origin, 0.0, 5.0))
    target = Grid(
        (3, 3, 3), (spacing / 2, spacing, spacing), (origin + spacing, spacing * step / 4, 5.0)
    )
    resampled = resample(Volume(_plane(grid, slopes), grid, "HU"), target, outside=-1024)

    assert np.allclose(resampled.array, _plane(target, slopes), atol=1e-3)


def _plane(grid, slopes):
    z, y, x = np.indices(grid.shape)
    places = np.stack([x, y, z, np.ones_like(x)], axis=-1) @ grid.affine().T
    return (places @ np.array(slopes)).astype(np.float32)


def test_resampling_fills_the_outside_with_the_stated_value():
    volume = Volume(np.ones((2, 2, 2), np.float32), Grid((2, 2, 2), (1.0, 1.0, 1.0)), "HU")
    far = Grid((1, 1, 1), (1.0, 1.0, 1.0), (50.0, 0.0, 0.0))

    assert resample(volume, far, outside=-1024).array.item() == -1024


def test_a_mask_stays_a_mask_and_is_never_interpolated():
    mask = Volume(
        np.eye(4, dtype=bool)[None].repeat(4, 0), Grid((4, 4, 4), (1.0, 1.0, 1.0)), "mask"
    )
    fine = Grid((4, 8, 8), (1.0, 0.5, 0.5))

    assert resample(mask, fine, outside=0, order="nearest").array.dtype == np.bool_
    with pytest.raises(ValueError, match="nearest"):
        resample(mask, fine, outside=0)


def test_overlap_is_the_part_of_the_first_grid_inside_the_second():
    pet = Grid((10, 10, 10), (4.0, 4.0, 4.0))
    ct = Grid((100, 100, 20), (1.0, 1.0, 1.0), (8.0, -30.0, 10.0))

    assert overlap(pet, ct) == (slice(3, 10), slice(0, 10), slice(2, 7))


def test_overlap_of_a_flipped_grid_is_found():
    pet = Grid((4, 4, 4), (1.0, 1.0, 1.0))
    flipped = Grid(
        (4, 4, 4), (1.0, 1.0, 1.0), (3.0, 3.0, 1.0), ((-1.0, 0, 0), (0, -1.0, 0), (0, 0, 1.0))
    )
    assert overlap(pet, flipped) == (slice(1, 4), slice(0, 4), slice(0, 4))


def test_grids_apart_or_rotated_have_no_overlap():
    pet = Grid((4, 4, 4), (1.0, 1.0, 1.0))
    with pytest.raises(ValueError, match="do not overlap"):
        overlap(pet, Grid((4, 4, 4), (1.0, 1.0, 1.0), (40.0, 0.0, 0.0)))
    with pytest.raises(ValueError, match="rotated"):
        overlap(pet, OBLIQUE)


def test_a_voxel_whose_centre_lies_in_the_outer_half_of_the_last_voxel_is_inside():
    pet = Grid((1, 1, 4), (1.0, 1.0, 1.0), (-0.4, 0.0, 0.0))
    ct = Grid((1, 1, 3), (1.0, 1.0, 1.0))
    assert overlap(pet, ct)[2] == slice(0, 3)
