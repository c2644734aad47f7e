"""Which CT is refused, and in which words."""

from pathlib import Path

import numpy as np
import pydicom
import pytest

from evaluation.imaging import Grid, Volume
from synthesis.config import DomainConfig
from synthesis.contract import RefusedError
from synthesis.data import write_dicom
from synthesis.data.model_grid import (
    NotAxialError,
    body_mask,
    model_grid,
    smooth_resample,
    to_axial,
)
from synthesis.inference import accept_ct
from synthesis.inference.acceptance import require_values
from tests.synthesis.makers import full_pair, small_pair


def ct_files(folder: Path) -> list[Path]:
    write_dicom(small_pair(), folder, with_pet=False)
    return sorted((folder / "CT").iterdir())


def edit(files: list[Path], **changes: object) -> None:
    for path in files:
        dataset = pydicom.dcmread(path)
        for keyword, value in changes.items():
            if value is None:
                del dataset[keyword]
            else:
                setattr(dataset, keyword, value)
        dataset.save_as(path)


def refusal(files: list[Path]) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        accept_ct(files)
    return caught.value


def test_a_phantom_ct_is_accepted(tmp_path: Path) -> None:
    series, volume = accept_ct(ct_files(tmp_path))

    assert series.modality == "CT"
    assert volume.unit == "HU"
    assert volume.grid.same_as(small_pair().ct.grid)


@pytest.mark.parametrize("keyword", ["RescaleSlope", "RescaleIntercept"])
def test_ct_without_hounsfield_units_is_refused(tmp_path: Path, keyword: str) -> None:
    files = ct_files(tmp_path)
    edit(files, **{keyword: None})

    assert "rescale" in str(refusal(files))


def test_ct_without_air_is_refused(tmp_path: Path) -> None:
    files = ct_files(tmp_path)
    edit(files, RescaleIntercept=0)

    assert refusal(files).refused.id == "no_air"


def test_values_that_are_no_numbers_are_refused() -> None:
    hu = np.full((8, 4, 4), -1000, dtype=np.float32)
    require_values(hu)
    hu[3, 2, 1] = np.nan

    with pytest.raises(RefusedError, match="not numbers"):
        require_values(hu)


def test_too_few_slices_are_refused(tmp_path: Path) -> None:
    error = refusal(ct_files(tmp_path)[:7])

    assert error.refused.id == "too_few_slices"
    assert "7 slices" in str(error)


def test_eight_slices_are_enough(tmp_path: Path) -> None:
    _, volume = accept_ct(ct_files(tmp_path)[:8])

    assert volume.grid.shape[0] == 8


@pytest.mark.parametrize(("spacing", "accepted"), [(4.2, True), (4.3, False), (0.1, False)])
def test_pixels_out_of_range_are_refused(tmp_path: Path, spacing: float, accepted: bool) -> None:
    files = ct_files(tmp_path)
    edit(files, PixelSpacing=[spacing, spacing])

    if accepted:
        accept_ct(files)
    else:
        assert refusal(files).refused.id == "pixel_spacing"


def test_slices_too_far_apart_are_refused(tmp_path: Path) -> None:
    error = refusal(ct_files(tmp_path)[::2])

    assert error.refused.id == "slice_spacing"
    assert "19.6 mm" in str(error)


def test_a_missing_slice_is_refused(tmp_path: Path) -> None:
    files = ct_files(tmp_path)
    del files[10]

    assert refusal(files).refused.id.startswith("ct_")


def test_pet_is_not_ct(tmp_path: Path) -> None:
    write_dicom(small_pair(), tmp_path)

    assert refusal(sorted((tmp_path / "PET").iterdir())).refused.id == "not_ct"


def test_coronal_slices_are_refused(tmp_path: Path) -> None:
    files = ct_files(tmp_path)
    for index, path in enumerate(files):
        dataset = pydicom.dcmread(path)
        dataset.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
        dataset.ImagePositionPatient = [0, 9.8 * index, 0]
        dataset.save_as(path)

    assert refusal(files).refused.id == "not_axial"


def test_no_file_is_refused() -> None:
    assert "No file" in str(refusal([]))


def test_a_flipped_volume_is_turned_by_flipping_only() -> None:
    rng = np.random.default_rng(1)
    array = rng.normal(size=(4, 5, 6)).astype(np.float32)
    direction = ((-1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, 1.0))
    volume = Volume(array, Grid((4, 5, 6), (3.0, 2.0, 1.0), (10.0, 20.0, 30.0), direction), "HU")

    turned = to_axial(volume)

    np.testing.assert_array_equal(turned.array, array[:, ::-1, ::-1])
    assert turned.grid.origin_mm == (10.0 - 5, 20.0 - 8, 30.0)
    assert turned.grid.direction == ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


def test_a_rotated_volume_is_not_axial() -> None:
    turn = np.deg2rad(5)
    direction = (
        (np.cos(turn), -np.sin(turn), 0.0),
        (np.sin(turn), np.cos(turn), 0.0),
        (0.0, 0.0, 1.0),
    )
    volume = Volume(
        np.zeros((2, 2, 2)), Grid((2, 2, 2), (1.0, 1.0, 1.0), direction=direction), "HU"
    )

    with pytest.raises(NotAxialError):
        to_axial(volume)


def test_the_model_grid_of_a_phantom_ct_is_its_pet_grid() -> None:
    pair = full_pair()

    assert model_grid(pair.ct.grid, DomainConfig()).same_as(pair.pet.grid)


def test_resampling_keeps_a_linear_ramp_and_its_place() -> None:
    grid = Grid((12, 16, 16), (5.0, 2.0, 1.0), (7.0, -3.0, 11.0))
    z = grid.origin_mm[2] + 5.0 * np.arange(12)
    ramp = np.broadcast_to(z[:, None, None], grid.shape).astype(np.float32)

    target = model_grid(grid, DomainConfig(spacing_zyx_mm=(2.5, 4.0, 4.0)))
    result = smooth_resample(Volume(ramp, grid, "HU"), target)

    heights = target.origin_mm[2] + 2.5 * np.arange(target.shape[0])
    expected = np.clip(heights, z[0], z[-1])
    np.testing.assert_allclose(result.array[:, 2, 2], expected, atol=1e-3)


def test_the_body_mask_leaves_out_the_couch() -> None:
    pair = full_pair()
    mask = body_mask(smooth_resample(pair.ct, pair.pet.grid).array)

    assert 0.15 < mask.mean() < 0.6
    assert mask[:, 85:, :].mean() < 0.02
    assert mask[pair.region("lesion:1")].mean() > 0.9
