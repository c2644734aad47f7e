"""Phantoms as files: byte for byte repeatable, and the SUV comes back in every vendor's style."""

from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest

from evaluation.imaging import read_series
from synthesis.data import PET_STYLES, PetStyle, write_dicom
from tests.synthesis.makers import small_pair


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    write_dicom(small_pair(), tmp_path / "a")
    write_dicom(small_pair(), tmp_path / "b")

    names = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*.dcm"))
    assert len(names) == 26 + 26 + 1
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


@pytest.mark.parametrize("style", PET_STYLES)
def test_suv_comes_back_within_a_tenth_of_a_percent(tmp_path: Path, style: PetStyle) -> None:
    pair = small_pair()
    write_dicom(pair, tmp_path, style=style)

    series = read_series(tmp_path / "PET")
    suv = series.suv_volume()

    assert suv.grid.same_as(pair.pet.grid)
    step = pair.pet.array.max() / 32766
    np.testing.assert_allclose(suv.array, pair.pet.array, rtol=1e-3, atol=0.6 * step)
    hot = pair.pet.array > 1
    relative = np.abs(suv.array[hot] / pair.pet.array[hot] - 1)
    assert relative.max() < 1e-3


def test_only_the_per_slice_style_changes_its_slope(tmp_path: Path) -> None:
    slopes = {}
    for style in PET_STYLES:
        write_dicom(small_pair(), tmp_path / style, style=style)
        headers = [pydicom.dcmread(p) for p in sorted((tmp_path / style / "PET").iterdir())]
        slopes[style] = {str(h.RescaleSlope) for h in headers}
        assert all(len(str(h.RescaleSlope)) <= 16 for h in headers)

    assert len(slopes["bqml_start"]) == len(slopes["gml"]) == 1
    assert len(slopes["bqml_per_slice"]) > 20


def test_ct_comes_back_in_hounsfield_units(tmp_path: Path) -> None:
    pair = small_pair()
    write_dicom(pair, tmp_path)

    series = read_series(tmp_path / "CT")

    assert series.modality == "CT"
    assert series.grid.same_as(pair.ct.grid)
    np.testing.assert_allclose(series.stored_volume().array, pair.ct.array, atol=0.51)


def test_ct_and_pet_are_one_study_in_one_frame_of_reference(tmp_path: Path) -> None:
    write_dicom(small_pair(), tmp_path)
    ct = pydicom.dcmread(tmp_path / "CT" / "IM0001.dcm")
    pet = pydicom.dcmread(tmp_path / "PET" / "IM0001.dcm")

    assert ct.StudyInstanceUID == pet.StudyInstanceUID
    assert ct.FrameOfReferenceUID == pet.FrameOfReferenceUID
    assert ct.SeriesInstanceUID != pet.SeriesInstanceUID
    assert str(pet.PatientName).startswith("PHANTOM^")


def test_no_phantom_carries_a_mark_of_synthetic_output(tmp_path: Path) -> None:
    write_dicom(small_pair(), tmp_path)
    for path in tmp_path.rglob("*.dcm"):
        assert "SyntheticData" not in pydicom.dcmread(path, stop_before_pixels=True)


def test_the_segmentation_holds_every_region_under_its_label(tmp_path: Path) -> None:
    pair = small_pair()
    write_dicom(pair, tmp_path)

    seg = highdicom.seg.segread(tmp_path / "LESIONS" / "seg.dcm")

    labels = {number: seg.get_segment_description(number).segment_label
              for number in seg.segment_numbers}  # fmt: skip
    assert set(labels.values()) == {r.label for r in pair.regions if r.mask.any()}
    number = next(n for n, label in labels.items() if label == "lesion:1")
    volume = seg.get_volume(segment_numbers=[number], combine_segments=False)
    assert int(np.asarray(volume.array).sum()) == int(pair.region("lesion:1").sum())


def test_a_folder_that_holds_a_phantom_is_not_written_over(tmp_path: Path) -> None:
    write_dicom(small_pair(), tmp_path, with_pet=False)

    with pytest.raises(FileExistsError):
        write_dicom(small_pair(), tmp_path)
