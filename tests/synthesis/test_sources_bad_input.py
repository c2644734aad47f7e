"""What cannot be learned from is refused by participant, with a sentence; never guessed, never half read."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread

from evaluation.imaging import Volume, write_nifti
from synthesis.data import write_dicom
from synthesis.data.folder_source import FolderSource
from synthesis.data.pairs import PairRefusedError
from synthesis.data.source import SourceRefusedError
from synthesis.training.case_store import CaseStore
from tests.synthesis.family_cases import tiny
from tests.synthesis.makers import small_pair

OTHER = "1.2.826.0.1.3680043.8.498.1"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bad-input") / "A"
    write_dicom(small_pair(), folder)
    return folder


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    shutil.copytree(written, tmp_path / "A")
    return tmp_path


def each(part: Path, change: Callable[[Dataset], None]) -> None:
    for path in part.iterdir():
        dataset = dcmread(path)
        change(dataset)
        dataset.save_as(path)


def two_series(place: Path) -> None:
    first = min((place / "CT").iterdir())
    dataset = dcmread(first)
    dataset.SeriesInstanceUID = OTHER
    dataset.save_as(first)


def other_frame(place: Path) -> None:
    each(place / "PET", lambda d: setattr(d, "FrameOfReferenceUID", OTHER))


def mixed_frames(place: Path) -> None:
    first = min((place / "PET").iterdir())
    dataset = dcmread(first)
    dataset.FrameOfReferenceUID = OTHER
    dataset.save_as(first)


def cut_file(place: Path) -> None:
    path = sorted((place / "CT").iterdir())[2]
    path.write_bytes(path.read_bytes()[:-1000])


def synthetic(place: Path) -> None:
    each(place / "PET", lambda d: setattr(d, "SyntheticData", "YES"))


def no_suv(place: Path) -> None:
    def without(dataset: Dataset) -> None:
        dataset.Units = "CNTS"
        dataset.RadiopharmaceuticalInformationSequence[0].RadionuclideTotalDose = None

    each(place / "PET", without)


def coronal(place: Path) -> None:
    each(place / "CT", lambda d: setattr(d, "ImageOrientationPatient", [1, 0, 0, 0, 0, -1]))


def missing_slice(place: Path) -> None:
    sorted((place / "CT").iterdir())[10].unlink()


def pet_for_ct(place: Path) -> None:
    shutil.rmtree(place / "CT")
    shutil.copytree(place / "PET", place / "CT")


def two_outlines(place: Path) -> None:
    seg = next((place / "LESIONS").iterdir())
    shutil.copy(seg, seg.with_name("again.dcm"))


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (two_series, "more than one series"),
        (other_frame, "CT and PET lie in different frames of reference"),
        (mixed_frames, "two frames of reference"),
        (cut_file, "IM0003.dcm is cut"),
        (synthetic, "marked as a synthetic image"),
        (no_suv, "cannot be turned into SUV"),
        (coronal, "shifted sideways"),
        (missing_slice, "A slice is missing"),
        (pet_for_ct, "is PT, not CT"),
        (two_outlines, "must hold one file of outlines, not 2"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_dicom_that_cannot_be_learned_from_is_refused_by_participant(
    folder: Path, damage: Callable[[Path], None], sentence: str
) -> None:
    damage(folder / "A")

    with pytest.raises(PairRefusedError, match=f"Participant A: .*({sentence})") as refusal:
        FolderSource(folder, "x").pair("A")

    assert str(folder) not in str(refusal.value)  # a path may name a person


def nifti(place: Path, name: str, *, turned: bool = False, value: float = 1.0) -> None:
    pair = small_pair()
    volume = pair.ct if name == "ct" else pair.pet
    grid = volume.grid
    if turned:
        grid = replace(grid, direction=((0.8, -0.6, 0.0), (0.6, 0.8, 0.0), (0.0, 0.0, 1.0)))
    array = volume.array.copy()
    array[0, 0, 0] *= value
    place.mkdir(parents=True, exist_ok=True)
    write_nifti(Volume(array, grid, volume.unit), place / f"{name}.nii.gz")


def test_nifti_that_is_not_axial_is_refused(tmp_path: Path) -> None:
    nifti(tmp_path / "A", "ct", turned=True)
    nifti(tmp_path / "A", "pet")

    with pytest.raises(PairRefusedError, match="Participant A: The slices are not axial"):
        FolderSource(tmp_path, "x").pair("A")


def test_nifti_with_values_that_are_no_numbers_is_refused(tmp_path: Path) -> None:
    nifti(tmp_path / "A", "ct")
    nifti(tmp_path / "A", "pet")
    pet = small_pair().pet
    values = np.full(pet.array.shape, np.nan, dtype=np.float32)
    write_nifti(Volume(values, pet.grid, "SUVbw"), tmp_path / "A" / "pet.nii.gz")

    with pytest.raises(PairRefusedError, match=r"Participant A: pet\.nii\.gz holds values"):
        FolderSource(tmp_path, "x").pair("A")


def test_nifti_that_was_cut_is_refused(tmp_path: Path) -> None:
    nifti(tmp_path / "A", "ct")
    nifti(tmp_path / "A", "pet")
    path = tmp_path / "A" / "ct.nii.gz"
    path.write_bytes(path.read_bytes()[:2000])

    with pytest.raises(PairRefusedError, match=r"Participant A: ct\.nii\.gz is no readable NIfTI"):
        FolderSource(tmp_path, "x").pair("A")


def test_a_tube_voltage_that_nobody_states_is_refused_where_attenuation_needs_it(
    tmp_path: Path,
) -> None:
    nifti(tmp_path / "A", "ct")
    nifti(tmp_path / "A", "pet")
    source = FolderSource(tmp_path, "x")

    with pytest.raises(PairRefusedError, match="Participant A: The CT does not say its tube volt"):
        CaseStore(source, tiny("cpdm"), tmp_path / "cases").prepare(["A"])
    CaseStore(source, tiny("cpdm", attenuation="none"), tmp_path / "cases").prepare(["A"])
    CaseStore(source, tiny("baseline"), tmp_path / "cases").prepare(["A"])


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ("A,F,sixty,160,58,120", "says 'sixty' where a number should stand"),
        ("A,F,60,160,58,high", "says 'high' where a number should stand"),
    ],
)
def test_a_table_with_words_for_numbers_is_refused(
    tmp_path: Path, rows: str, sentence: str
) -> None:
    nifti(tmp_path / "A", "ct")
    nifti(tmp_path / "A", "pet")
    header = "participant,sex,age_years,height_cm,weight_kg,kvp"
    (tmp_path / "participants.csv").write_text(f"{header}\n{rows}\n", encoding="utf-8")

    with pytest.raises(PairRefusedError, match=f"Participant A: .*{sentence}"):
        FolderSource(tmp_path, "x").pair("A")


def test_a_table_that_speaks_twice_of_one_participant_is_refused(tmp_path: Path) -> None:
    (tmp_path / "participants.csv").write_text("participant\nA\nA\n", encoding="utf-8")

    with pytest.raises(SourceRefusedError, match="more than one row of A"):
        FolderSource(tmp_path, "x")


def test_the_cascade_refuses_a_participant_whose_size_nobody_states(tmp_path: Path) -> None:
    nifti(tmp_path / "A", "ct")
    nifti(tmp_path / "A", "pet")
    source = FolderSource(tmp_path, "x")

    with pytest.raises(PairRefusedError, match="needs height, weight, sex and age"):
        CaseStore(source, tiny("cascade3d"), tmp_path / "cases").prepare(["A"])


def test_a_file_that_was_replaced_gives_another_case(tmp_path: Path) -> None:
    place = tmp_path / "data"
    nifti(place / "A", "ct")
    nifti(place / "A", "pet")
    before = CaseStore(FolderSource(place, "x"), tiny("baseline"), tmp_path / "cases")
    before.prepare(["A"])
    pet = small_pair().pet
    write_nifti(Volume(2 * pet.array, pet.grid, "SUVbw"), place / "A" / "pet.nii.gz")

    after = CaseStore(FolderSource(place, "x"), tiny("baseline"), tmp_path / "cases")
    after.prepare(["A"])

    np.testing.assert_allclose(after.case("A").suv, 2 * before.case("A").suv, rtol=1e-2, atol=1e-3)
