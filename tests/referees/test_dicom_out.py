"""What outside validators say of the DICOM that synthesis writes."""

import shutil
import subprocess
from pathlib import Path

import pytest

from synthesis.data import PET_STYLES, PetStyle, write_dicom
from synthesis.jobs import translate_series
from tests.synthesis.makers import request_for, small_pair, untrained_release

pytestmark = pytest.mark.referee

# The only remarks accepted: this validator is older than SyntheticData and knows no private tags.
SYNTHETIC_BASELINE = [
    "PETImage",
    "Error - </(0008,001c)> - Attribute with an even group number is not a recognized standard attribute",
    "Warning - </(0008,001c)> - Attribute is not present in standard DICOM IOD",
    "Warning - </(0008,001c)> - Unrecognized tag - assuming explicit value representation OK [CS]",
    *(
        f'Warning - </(0011,10{element:02d},"STUDYPORTAL SYNTHETIC")> - Unrecognized tag - '
        f"assuming explicit value representation OK [{vr}]"
        for element, vr in ((1, "LO"), (2, "LO"), (3, "LO"), (4, "IS"), (5, "UT"))
    ),
]


def program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def remarks(path: Path) -> list[str]:
    run = subprocess.run(
        [program("dciodvfy"), "-new", str(path)], capture_output=True, text=True, check=False
    )
    return sorted(line for line in (run.stdout + run.stderr).splitlines() if line.strip())


def synthetic(tmp_path: Path) -> list[Path]:
    write_dicom(small_pair(), tmp_path / "phantom", with_pet=False)
    release = untrained_release(tmp_path / "release")
    request = request_for(tmp_path / "phantom" / "CT", release, tmp_path / "out")
    result = translate_series.run(request)
    assert result.status == "succeeded", result.reason
    return [Path(file.path) for file in result.files]


def test_every_synthetic_slice_gets_the_expected_remarks_and_no_other(tmp_path: Path) -> None:
    for path in synthetic(tmp_path):
        assert remarks(path) == sorted(SYNTHETIC_BASELINE), path.name


def test_the_synthetic_series_is_consistent_across_its_slices(tmp_path: Path) -> None:
    paths = [str(path) for path in synthetic(tmp_path)]

    run = subprocess.run([program("dcentvfy"), *paths], capture_output=True, text=True, check=False)

    assert run.returncode == 0
    assert (run.stdout + run.stderr).strip() == ""


def test_another_toolkit_reads_the_marks(tmp_path: Path) -> None:
    path = synthetic(tmp_path)[0]

    run = subprocess.run(
        [program("dcmdump"), "+L", str(path)], capture_output=True, text=True, check=True
    )

    assert "(0008,001c) CS [YES]" in run.stdout
    assert "[SYNTHETIC PET untrained 0]" in run.stdout
    assert "STUDYPORTAL SYNTHETIC" in run.stdout


@pytest.mark.parametrize("style", PET_STYLES)
def test_phantom_ct_and_pet_are_free_of_remarks(style: PetStyle, tmp_path: Path) -> None:
    write_dicom(small_pair(), tmp_path, style=style)

    for path in sorted((tmp_path / "CT").iterdir())[::5]:
        assert remarks(path) == ["CTImage"]
    for path in sorted((tmp_path / "PET").iterdir())[::5]:
        assert remarks(path) == ["PETImage"]


def test_phantom_segmentation_is_free_of_remarks(tmp_path: Path) -> None:
    write_dicom(small_pair(), tmp_path)

    assert remarks(tmp_path / "LESIONS" / "seg.dcm") == ["Segmentation"]


def test_phantom_study_is_consistent(tmp_path: Path) -> None:
    write_dicom(small_pair(), tmp_path)
    paths = [str(path) for path in sorted(tmp_path.rglob("*.dcm"))]

    run = subprocess.run([program("dcentvfy"), *paths], capture_output=True, text=True, check=False)

    assert run.returncode == 0
    assert (run.stdout + run.stderr).strip() == ""
