"""What outside validators say of outlines that were de-identified."""

import re
import subprocess
from pathlib import Path

import pydicom
import pytest

from studyportal.imaging.rules import PseudonymContext, deidentify
from tests.portal.outline_files import structure_set
from tests.portal.scenes import write_small_phantom
from tests.portal.test_imaging_rules_files import KEY, real_file
from tests.referees.test_dicom_out import program, remarks

pytestmark = pytest.mark.referee
CONTEXT = PseudonymContext.of_participant(participant_code="SPH-00007", site_code="SPH", key=KEY)
# A study code is one word; that the study has no number here is what the profile asks for.
OURS = ("Retired Person Name form", "needed to build DICOMDIR", "private")


@pytest.fixture(scope="module")
def phantom(tmp_path_factory) -> Path:
    """A small phantom as files: CT, PET and LESIONS."""
    return write_small_phantom(3, tmp_path_factory.mktemp("phantom") / "images")


def kinds(path: Path) -> set[str]:
    """The remarks without values, places in lists and names of files."""
    return {
        re.sub(r"<[^/>][^>]*>|\[\d+\]", "", line)
        for line in remarks(path)
        if not any(words in line for words in OURS)
    }


def cleaned(source: Path, target: Path) -> Path:
    made, _ = deidentify(pydicom.dcmread(source), context=CONTEXT)
    pydicom.dcmwrite(target, made, enforce_file_format=True)
    return target


@pytest.mark.parametrize("kind", ["rtstruct", "seg"])
def test_dciodvfy_says_nothing_of_clean_outlines_that_it_did_not_say_before(
    phantom, tmp_path, kind
):
    source = tmp_path / "in"
    seg = (phantom / "LESIONS" / "seg.dcm").read_bytes()
    source.write_bytes(seg if kind == "seg" else structure_set(phantom / "PET", "GTV", "Meyer"))
    assert kinds(cleaned(source, tmp_path / "out")) - kinds(source) == set()


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["STS_003", "STS_025"])
def test_dciodvfy_says_nothing_new_of_published_outlines(tmp_path, name):
    source = real_file("pet_ct_ge_sts_pairs", name, "PET", "mask", "RS.dcm")
    assert kinds(cleaned(source, tmp_path / "out")) - kinds(source) == set()


def test_dcentvfy_finds_images_and_their_outlines_of_one_study(phantom, tmp_path):
    (tmp_path / "rs").write_bytes(structure_set(phantom / "PET", "GTV_Mass"))
    sources = [*sorted((phantom / "PET").iterdir())[:4], tmp_path / "rs"]
    files = [cleaned(path, tmp_path / f"out{k}") for k, path in enumerate(sources)]
    # The seal stands in an attribute that dcentvfy holds for one of the patient; it differs from file to file.
    new = disagreements(files) - disagreements(sources)
    assert {line for line in new if "<DeidentificationMethod>" not in line} == set()


def disagreements(files: list[Path]) -> set[str]:
    """In what dcentvfy finds the files not to be of one study, without their names and values."""
    said = subprocess.run(
        [program("dcentvfy"), *map(str, files)], capture_output=True, text=True, check=False
    )
    lines = (said.stdout + said.stderr).splitlines()
    return {re.sub(r"<[^<>]*/[^<>]*>", "", line.partition(" for file ")[0]) for line in lines}
