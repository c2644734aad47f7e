"""Volumes for the viewer: the same place and values as the measured images, stored once, small enough to send."""

import gzip

import nibabel
import numpy as np
import pytest

from evaluation.imaging import Grid, Volume, read_nifti, read_series, resample
from studyportal.core.storage import path_of
from studyportal.imaging import rules
from studyportal.imaging.models import DerivedVolume, ImagingSeries
from studyportal.imaging.services import (
    derive_difference,
    derive_pet,
    derive_volumes,
)
from studyportal.imaging.states import SeriesRole
from tests.factories import ImagingSeriesFactory
from tests.portal.viewer_scenes import stored

pytestmark = pytest.mark.django_db


def read(row, tmp_path, unit="SUVbw"):
    named = tmp_path / f"{row.kind}.nii.gz"
    named.write_bytes(path_of(row.sha256).read_bytes())
    return read_nifti(named, unit)


def pet_of(manifest):
    return ImagingSeriesFactory(role=SeriesRole.REFERENCE, manifest_sha256=manifest)


def test_the_pet_has_the_measured_suv_at_the_measured_places(phantom, tmp_path):
    measured = read_series(phantom() / "PET").suv_volume()
    row, _ = derive_pet(manifest_sha256=stored(phantom() / "PET"))
    shown = read(row, tmp_path)

    assert shown.grid.same_as(measured.grid)
    assert row.facts["step"] == pytest.approx(measured.array.max() / 65535)
    # A millionth more than half a step: the slope is kept as a 32-bit number.
    assert np.abs(shown.array - measured.array).max() <= row.facts["step"] / 2 + 1e-6 * 20
    assert row.facts["unit"] == "SUVbw"


def test_the_ct_is_exact_and_its_quick_picture_covers_the_same_body(phantom, tmp_path):
    source = ImagingSeries(role=SeriesRole.SOURCE, manifest_sha256=stored(phantom() / "CT"))
    quick, full = derive_volumes(series=source)
    measured = read_series(phantom() / "CT").stored_volume()
    small = read(quick, tmp_path, "HU")

    assert np.array_equal(read(full, tmp_path, "HU").array, measured.array)
    assert quick.size_bytes < full.size_bytes
    assert min(small.grid.spacing_mm[1:]) > 2.5
    placed = resample(small, measured.grid, outside=-1000.0)
    body = measured.array > -300
    inner = np.zeros_like(body)
    inner[2:-2, 8:-8, 8:-8] = body[2:-2, 8:-8, 8:-8]
    assert abs(np.median(placed.array[inner] - measured.array[inner])) < 10


def test_the_difference_is_synthetic_minus_reference_on_the_reference_grid(phantom, tmp_path):
    row = derive_difference(
        reference=pet_of(stored(phantom(3) / "PET")), synthetic=stored(phantom(4) / "PET")
    )
    reference, other = (read_series(phantom(n) / "PET").suv_volume() for n in (3, 4))
    expected = resample(other, reference.grid, outside=0.0).array - reference.array
    shown = read(row, tmp_path)

    assert shown.grid.same_as(reference.grid)
    assert np.abs(shown.array - expected).max() <= row.facts["step"] / 2 + 2e-5


def test_a_pet_without_a_weight_is_shown_in_its_own_unit_and_says_why(phantom):
    def lose_weight(header):
        del header.PatientWeight

    manifest = stored(phantom() / "PET", lose_weight)
    pet, projections = derive_pet(manifest_sha256=manifest)
    minus = derive_difference(reference=pet_of(manifest), synthetic=stored(phantom(4) / "PET"))

    assert (pet.facts["unit"], projections.facts["unit"]) == ("Bq/ml", "Bq/ml")
    assert "SUV cannot be computed" in pet.reason
    assert "weight" in pet.reason
    assert (minus.sha256, "no SUV" in minus.reason) == ("", True)


def test_a_series_that_cannot_be_read_says_so_and_is_not_tried_again(phantom):
    def move(header):
        if header.InstanceNumber == 5:
            header.ImagePositionPatient[2] += 3

    manifest = stored(phantom() / "PET", move)
    first = derive_pet(manifest_sha256=manifest)
    assert all(row.sha256 == "" and "unevenly" in row.reason for row in first)
    assert derive_pet(manifest_sha256=manifest) == first


def test_volumes_are_made_once(phantom):
    manifest = stored(phantom() / "PET")
    assert derive_pet(manifest_sha256=manifest) == derive_pet(manifest_sha256=manifest)
    assert DerivedVolume.objects.count() == 2


def lopsided(direction=((1.0, 0, 0), (0, 1.0, 0), (0, 0, 1.0))):
    """A block with one hot voxel, left of the middle, in front and low (LPS: x to the left, y to the back)."""
    grid = Grid((6, 8, 10), (3.0, 2.0, 2.5), (-11.0, -7.0, 4.0), direction)
    array = np.zeros(grid.shape, dtype=np.float32)
    array[1, 2, 8] = 9.5
    return Volume(array, grid, "SUVbw")


@pytest.mark.parametrize("flip", [1.0, -1.0])
def test_left_is_left_in_the_file(flip, tmp_path):
    volume = lopsided(((flip, 0, 0), (0, flip, 0), (0, 0, 1.0)))
    (tmp_path / "a.nii.gz").write_bytes(rules.coded(volume).content)
    image = nibabel.load(tmp_path / "a.nii.gz")
    index = np.unravel_index(np.argmax(image.get_fdata()), image.shape)
    right_anterior_up = (image.affine @ [*index, 1])[:3]
    x, y, z = (volume.grid.affine() @ [8, 2, 1, 1])[:3]
    assert right_anterior_up == pytest.approx([-x, -y, z], abs=1e-4)


def test_a_volume_becomes_the_same_bytes_again_and_shrinks():
    noise = np.random.default_rng(1).normal(0, 20, (20, 64, 64)).astype(np.float32)
    volume = Volume(noise, Grid(noise.shape, (2.0, 2.0, 2.0)), "SUVbw")
    first = rules.coded(volume).content
    assert first == rules.coded(volume).content
    assert len(first) < noise.size * 2
    assert len(gzip.decompress(first)) == 352 + noise.size * 2


def test_values_that_are_no_numbers_are_refused():
    broken = Volume(np.full((2, 2, 2), np.nan, np.float32), Grid((2, 2, 2), (1.0, 1.0, 1.0)), "HU")
    with pytest.raises(ValueError, match="finite"):
        rules.coded(broken)


def test_the_first_projection_is_exact_and_every_depth_leads_to_its_voxel():
    rng = np.random.default_rng(2)
    volume = Volume(
        rng.random((3, 9, 11)).astype(np.float32), Grid((3, 9, 11), (3.0, 2.0, 2.0)), "SUVbw"
    )
    found = rules.rotating_projections(volume, angles=8)
    assert np.array_equal(found.values.array[:, 0], volume.array.max(axis=1))
    for step in range(8):
        angle = 2 * np.pi * step / 8
        u = (np.arange(11) - 5) * 2.0
        v = (found.depth[:, step] - 4) * 2.0
        column = np.rint((u * np.cos(angle) - v * np.sin(angle)) / 2 + 5).astype(int)
        row = np.rint((u * np.sin(angle) + v * np.cos(angle)) / 2 + 4).astype(int)
        inside = (column >= 0) & (column < 11) & (row >= 0) & (row < 9)
        z = np.broadcast_to(np.arange(3)[:, None], inside.shape)
        shown = found.values.array[:, step]
        assert np.array_equal(volume.array[z[inside], row[inside], column[inside]], shown[inside])
        assert inside.mean() > 0.7


def test_oblique_slices_have_no_projections():
    s = float(np.sqrt(0.5))
    with pytest.raises(ValueError, match="not axial"):
        rules.rotating_projections(lopsided(((s, 0, s), (0, 1.0, 0), (-s, 0, s))))
