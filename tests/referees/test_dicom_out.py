"""What outside validators say of the DICOM that synthesis writes."""

import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest

from evaluation.imaging import Volume, read_series
from studyportal.imaging.rules import PseudonymContext, deidentify
from synthesis.data import PET_STYLES, PetStyle, write_dicom
from synthesis.dicom_out import Provenance, write_synthetic_pet
from synthesis.jobs import translate_series
from tests.portal.test_imaging_rules_files import KEY, read, real_file, written
from tests.referees.orthanc import running_orthanc
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


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """One series out of a whole translation, for all of the tests: none of them changes it."""
    folder = tmp_path_factory.mktemp("synthetic")
    write_dicom(small_pair(), folder / "phantom", with_pet=False)
    release = untrained_release(folder / "release")
    request = request_for(folder / "phantom" / "CT", release, folder / "out")
    result = translate_series.run(request)
    assert result.status == "succeeded", result.reason
    return [Path(file.path) for file in result.files]


def test_every_synthetic_slice_gets_the_expected_remarks_and_no_other(
    synthetic: list[Path],
) -> None:
    for path in synthetic:
        assert remarks(path) == sorted(SYNTHETIC_BASELINE), path.name


def test_the_synthetic_series_is_consistent_across_its_slices(synthetic: list[Path]) -> None:
    paths = list(map(str, synthetic))

    run = subprocess.run([program("dcentvfy"), *paths], capture_output=True, text=True, check=False)

    assert run.returncode == 0
    assert (run.stdout + run.stderr).strip() == ""


def test_another_toolkit_reads_the_marks(synthetic: list[Path]) -> None:
    path = synthetic[0]

    run = subprocess.run(
        [program("dcmdump"), "+L", str(path)], capture_output=True, text=True, check=True
    )

    assert "(0008,001c) CS [YES]" in run.stdout
    assert "[SYNTHETIC PET untrained 0]" in run.stdout
    assert "STUDYPORTAL SYNTHETIC" in run.stdout


def test_orthanc_takes_the_series_from_dcmtk_and_gives_every_byte_back(
    synthetic: list[Path], tmp_path: Path
) -> None:
    with running_orthanc(tmp_path) as archive:
        where = ["127.0.0.1", str(archive.dicom_port), *map(str, synthetic)]
        sent = subprocess.run(["/usr/bin/storescu", "-aec", "ORTHANC", *where], check=False)
        assert sent.returncode == 0
        (series,) = [archive.get(f"series/{one}").json() for one in archive.get("series").json()]
        assert series["MainDicomTags"]["SeriesDescription"] == "SYNTHETIC PET untrained 0"
        assert len(series["Instances"]) == len(synthetic)
        files = [archive.get(f"instances/{one}/file").content for one in series["Instances"]]
        picture = archive.get(f"instances/{series['Instances'][0]}/preview")
        assert picture.headers["Content-Type"] == "image/png"
    returned = {one.SOPInstanceUID: one for one in map(pydicom.dcmread, map(io.BytesIO, files))}
    for path in synthetic:
        original = pydicom.dcmread(path)
        assert returned[original.SOPInstanceUID] == original


def test_dcmtk_opens_a_slice_as_a_picture(synthetic: list[Path], tmp_path: Path) -> None:
    path = synthetic[10]
    command = [program("dcm2pnm"), "--write-raw-pnm", "+Wm", str(path), str(tmp_path / "slice.pgm")]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    rows, columns = pydicom.dcmread(path).Rows, pydicom.dcmread(path).Columns
    assert (tmp_path / "slice.pgm").read_bytes().split()[1:3] == [b"%d" % columns, b"%d" % rows]


@pytest.mark.real_data
@pytest.mark.parametrize(
    "folder", ["pet_ct_ge_sts_pairs/STS_003/CT/image", "ct_chest_siemens_lungdx_a0002/CT_B40f_soft"]
)
def test_a_series_made_of_a_real_deidentified_ct_gets_the_same_error_and_no_other(
    folder: str, tmp_path: Path
) -> None:
    context = PseudonymContext.of_participant(
        participant_code="SPH-00001", site_code="SPH", key=KEY
    )
    for number, path in enumerate(sorted(real_file(*folder.split("/")).rglob("*.dcm"))):
        cleaned, _ = deidentify(read(path), context=context)
        (tmp_path / f"{number}.dcm").write_bytes(written(cleaned))
    ct = read_series(tmp_path)
    suv = Volume(np.ones(ct.grid.shape, np.float32), ct.grid, "SUVbw")
    (tmp_path / "out").mkdir()
    provenance = Provenance("job", "untrained", "0", "a" * 64, 0, {})
    paths = write_synthetic_pet(suv, tmp_path / "out", ct, provenance)
    # Warnings may differ: a study code is no person's name, and a CT may leave its body part open.
    expected = [line for line in SYNTHETIC_BASELINE if line.startswith("Error")]
    for path in paths[::20]:
        assert [line for line in remarks(path) if line.startswith("Error")] == expected, path.name


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
