"""`manage.py deidentify` and `send_images`: identities stay at the site, and the portal takes what comes."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import weakref
from io import StringIO
from pathlib import Path

import pydicom
import pytest
from django.core.management import CommandError, call_command

from evaluation.imaging import read_series
from studyportal.cli import site_inputs
from studyportal.core.storage import read_bytes
from studyportal.imaging.models import ImagingSeries, PatientBinding
from studyportal.imaging.rules import DeidentificationKey, date_offset, remap_uid
from studyportal.imaging.selectors import accepted_series
from studyportal.imaging.services import purge_series
from studyportal.imaging.states import SeriesRole
from studyportal.sites.rules import Role
from tests.bad_bytes import few_slices
from tests.portal.scenes import enrolled, person, taken_in
from tests.portal.test_imaging_rules_files import planted, real_file, written

REPOSITORY = Path(__file__).resolve().parents[2]
KEY = "a key of a study that is made for tests only"
CT, PET = SeriesRole.SOURCE, SeriesRole.REFERENCE


@pytest.fixture(autouse=True)
def key(monkeypatch, settings):
    monkeypatch.setenv(site_inputs.KEY_VARIABLE, KEY)
    settings.DEIDENTIFICATION_KEY = KEY
    return DeidentificationKey(KEY.encode())


@pytest.fixture
def images(phantom, tmp_path) -> Path:
    """Five slices of CT and of PET as a hospital's folder that may be changed."""
    for kind in ("CT", "PET"):
        (tmp_path / "in" / kind).mkdir(parents=True)
        for name, content in few_slices(phantom() / kind, slice(5)).items():
            (tmp_path / "in" / kind / name).write_bytes(content)
    return tmp_path / "in"


def ran(source: Path, target: Path, *words: str) -> tuple[int, str]:
    """Exit code and everything that was said."""
    said = StringIO()
    try:
        call_command("deidentify", str(source), str(target), *words, stdout=said)
    except CommandError as error:
        return error.returncode, f"{said.getvalue()}{error}"
    return 0, said.getvalue()


def report(target: Path, name: str) -> dict:
    return json.loads((target / "reports" / f"{name}.json").read_text())


def everything_in(folder: Path) -> bytes:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return b"".join(str(path.relative_to(folder)).encode() + path.read_bytes() for path in files)


def rewritten(path: Path, **values: object) -> None:
    dataset = pydicom.dcmread(path)
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)


def names_in(folder: Path) -> set[str]:
    header = pydicom.dcmread(next((folder / "CT").iterdir()), stop_before_pixels=True)
    return {
        str(header[word].value)
        for word in ("PatientName", "PatientID", "AccessionNumber", "StudyInstanceUID",
                     "ReferringPhysicianName", "InstitutionName", "FrameOfReferenceUID")
    }  # fmt: skip


# ---- at the site -------------------------------------------------------------------------------


def test_a_site_needs_neither_server_nor_database_nor_settings(phantom, tmp_path):
    source = tmp_path / "in"
    source.mkdir()
    for path in sorted((phantom() / "CT").iterdir())[:2]:
        shutil.copy(path, source)
    bare = {"PATH": os.environ["PATH"], "STUDYPORTAL_VAR": str(tmp_path / "var")}
    (tmp_path / "key").write_text(f"{KEY}\n")
    words = ["--participant", "SPH-00001", "--key-file", str(tmp_path / "key")]
    done = subprocess.run(
        [sys.executable, "manage.py", "deidentify", str(source), str(tmp_path / "out"), *words],
        cwd=REPOSITORY, env=bare, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "SPH-00001/CT-1: 2 files written." in done.stdout
    assert not (tmp_path / "var").exists()
    assert [word for word in names_in(phantom()) if word in done.stdout + done.stderr] == []


def test_images_are_written_with_the_code_the_hashed_uids_and_the_moved_dates(
    images, tmp_path, key
):
    code, said = ran(images, tmp_path / "out", "--participant", "SPH-00007")
    assert code == 0, said
    before = read_series(images / "PET")
    after = read_series(tmp_path / "out" / "SPH-00007" / "PT-1")
    assert after.facts.patient_id == "SPH-00007"
    assert after.facts.study_uid == remap_uid(key, before.facts.study_uid)
    moved = int(str(after.header.SeriesDate)) < int(str(before.header.SeriesDate))
    assert moved == (date_offset(key, "SPH-00007") < 0)
    assert after.header.SeriesTime == before.header.SeriesTime
    assert after.suv_conversion().factor == before.suv_conversion().factor


def test_each_series_has_a_report_that_says_what_acted_and_that_suv_is_the_same(images, tmp_path):
    ran(images, tmp_path / "out", "--participant", "SPH-00007")
    facts = report(tmp_path / "out", "SPH-00007_PT-1")
    assert facts["files"] == 5
    assert facts["actions"]["uid-replaced"] > 5
    assert "StudyInstanceUID" in facts["attributes"]["uid-replaced"]
    assert facts["suv"]["holds"]
    assert facts["suv"]["before"] == facts["suv"]["after"] > 0
    text = (tmp_path / "out" / "reports" / "SPH-00007_PT-1.txt").read_text()
    assert "largest relative difference of a slice: 0.0e+00" in text
    assert report(tmp_path / "out", "summary")["left"] == []


def test_no_word_of_the_hospital_is_in_what_is_written_or_said(images, tmp_path):
    (images / "CT" / "Meyer_Hildegard.txt").write_text("no image")
    code, said = ran(images, tmp_path / "out", "--participant", "SPH-00007")
    assert code == 1
    content = everything_in(tmp_path / "out")
    for word in (*names_in(images), "Meyer", "Hildegard"):
        assert word.encode() not in content
        assert word not in said


def test_planted_identities_of_a_whole_table_do_not_leave_the_site(tmp_path):
    (tmp_path / "in").mkdir()
    dataset = planted()
    dataset.RescaleSlope, dataset.RescaleIntercept = "1", "0"
    dataset.ImageType, dataset.BurnedInAnnotation = ["ORIGINAL", "PRIMARY"], "NO"
    dataset.LossyImageCompression = "00"
    (tmp_path / "in" / "1").write_bytes(written(dataset))
    code, said = ran(tmp_path / "in", tmp_path / "out", "--participant", "SPH-00007")
    assert code == 0, said
    content = everything_in(tmp_path / "out") + said.encode()
    for word in ("Xq7Z", "XQ7Z", "Meyer", "Hildegard", "H-4711", "19480203", "1.2.826.0.1.4711"):
        assert word.encode() not in content, word


@pytest.mark.real_data
def test_the_published_capture_with_an_invented_identity_is_left_out_and_not_told(tmp_path):
    source = real_file("phi_deid", "ct_with_phi")
    code, said = ran(source, tmp_path / "out", "--participant", "SPH-00007")
    assert code == 1
    assert "Compressed with loss, so that its values can no longer be measured." in said
    content = everything_in(tmp_path / "out").upper() + said.upper().encode()
    for word in ("SIMPSON", "HOMER", "HIBBARD", "RIVERIA", "SPRINGFIELD", "EVERGREEN", "999887722"):
        assert word.encode() not in content, word


def test_a_mapping_gives_each_patient_their_own_code_and_leaves_strangers_out(images, tmp_path):
    for path in (images / "PET").iterdir():
        rewritten(path, PatientID="stranger-815")
    patient = pydicom.dcmread(next((images / "CT").iterdir())).PatientID
    (tmp_path / "who.csv").write_text(f"patient_id,participant\n{patient},SPH-00031\n")
    code, said = ran(images, tmp_path / "out", "--mapping", str(tmp_path / "who.csv"))
    assert code == 1
    assert "The patient of these images is not in the mapping." in said
    assert "stranger-815" not in said
    assert [path.name for path in (tmp_path / "out" / "SPH-00031").iterdir()] == ["CT-1"]


def test_two_patients_without_a_mapping_are_refused_before_anything_is_written(images, tmp_path):
    for path in (images / "PET").iterdir():
        rewritten(path, PatientID="another")
    code, said = ran(images, tmp_path / "out", "--participant", "SPH-00007")
    assert (code, said) == (
        2, "IN holds images of 2 patients. Say with --mapping who each of them is.",
    )  # fmt: skip
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ("patient_id\n1\n", "mapping: The mapping has no column participant."),
        ("patient_id,participant\n", "mapping: The mapping has no row."),
        ("patient_id,participant\n,SPH-00001\n", "mapping, line 2: The hospital number is missing."),
        ("patient_id,participant\n1,Meyer\n",
         "mapping, line 2: The participant is not a study code such as SPH-00012."),
        ("patient_id,participant\n1,SPH-1\n1,SPH-2\n",
         "mapping: The same hospital number stands in lines 2, 3."),
        ("patient_id,participant\n1,SPH-1\n2,SPH-1\n",
         "mapping: The same participant stands in lines 2, 3."),
    ],
)  # fmt: skip
def test_a_mapping_with_a_fault_begins_nothing_and_names_the_line(table, fault, images, tmp_path):
    (tmp_path / "who.csv").write_text(table)
    assert ran(images, tmp_path / "out", "--mapping", str(tmp_path / "who.csv")) == (2, fault)


@pytest.mark.parametrize("secret", ["", "too short a key"])
def test_without_the_key_nothing_begins(secret, images, tmp_path, monkeypatch):
    monkeypatch.setenv(site_inputs.KEY_VARIABLE, secret)
    code, said = ran(images, tmp_path / "out", "--participant", "SPH-00007")
    assert code == 2
    assert "key" in said
    assert not (tmp_path / "out").exists()


def test_a_folder_that_exists_is_never_written_into(images, tmp_path):
    (tmp_path / "out").mkdir()
    code, said = ran(images, tmp_path / "out", "--participant", "SPH-00007")
    assert (code, said) == (2, "OUT exists already. Nothing is overwritten; name a new folder.")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_file_that_is_no_good_leaves_its_series_out_and_is_told_by_place_and_digest(
    images, tmp_path
):
    cut = sorted((images / "CT").iterdir())[2]
    cut.write_bytes(cut.read_bytes()[:-100])
    digest = hashlib.sha256(cut.read_bytes()).hexdigest()[:12]
    code, said = ran(images, tmp_path / "out", "--participant", "SPH-00007")
    assert code == 1
    assert f"file 3 ({digest}) of 10: Incomplete: the end is missing." in said
    assert [path.name for path in (tmp_path / "out" / "SPH-00007").iterdir()] == ["PT-1"]
    assert not (tmp_path / "out" / ".unfinished").exists()


def test_only_one_file_is_in_memory_at_a_time(images, tmp_path, monkeypatch):
    alive, most = [], []
    read = pydicom.dcmread

    def watched(path, **options):
        dataset = read(path, **options)
        if "PixelData" in dataset and not options.get("stop_before_pixels"):
            alive.append(weakref.ref(dataset))
            most.append(sum(one() is not None for one in alive))
        return dataset

    monkeypatch.setattr(pydicom, "dcmread", watched)
    ran(images, tmp_path / "out", "--participant", "SPH-00007")
    assert len(alive) >= 10
    assert max(most) <= 4


def test_running_it_over_its_own_output_gives_the_same_bytes(images, tmp_path):
    ran(images, tmp_path / "out", "--participant", "SPH-00007")
    code, said = ran(
        tmp_path / "out" / "SPH-00007", tmp_path / "again", "--participant", "SPH-00007"
    )
    assert code == 0, said
    first, second = tmp_path / "out" / "SPH-00007", tmp_path / "again" / "SPH-00007"
    assert everything_in(first) == everything_in(second)


# ---- and then in the portal --------------------------------------------------------------------


def entries(series: ImagingSeries) -> list[str]:
    return [entry["sha256"] for entry in json.loads(read_bytes(series.manifest_sha256))["files"]]


def send(folder: Path) -> tuple[int, str]:
    said = StringIO()
    try:
        call_command("send_images", str(folder), by="coordinator-SPH", stdout=said)
    except CommandError as error:
        return 1, f"{said.getvalue()}{error}"
    return 0, said.getvalue()


@pytest.mark.django_db(transaction=True)
def test_the_portal_keeps_what_the_site_wrote_as_if_it_had_had_the_originals(
    study, images, tmp_path
):
    participant = enrolled()
    by_portal = taken_in(participant, CT, images / "CT")
    kept, binding = entries(by_portal), PatientBinding.objects.get().patient_key
    purge_series(series=by_portal, by=None, reason="sent by mistake")
    PatientBinding.objects.all().delete()

    ran(images, tmp_path / "out", "--participant", participant.code)
    code, said = send(tmp_path / "out" / participant.code)

    assert code == 0, said
    pair = by_portal.pair
    by_site = accepted_series(pair, CT)
    assert entries(by_site) == kept
    assert PatientBinding.objects.get().patient_key == binding
    assert accepted_series(pair, PET).deidentification["again"]


@pytest.mark.django_db(transaction=True)
def test_images_that_a_site_made_for_another_participant_are_refused(study, images, tmp_path):
    first, second = enrolled(), enrolled()
    ran(images, tmp_path / "out", "--participant", first.code)
    series = taken_in(second, CT, tmp_path / "out" / first.code / "CT-1")
    assert series.status == "quarantined"
    sentence = series.findings.get(rule="seal_participant").sentence
    assert sentence.startswith(
        "These images were de-identified at the site for another participant"
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("secret", "values", "rule"),
    [
        ("another key, as long as a key has to be", {}, "seal_other_key"),
        (KEY, {"SeriesDate": "20250303"}, "seal_broken"),
        (KEY, {"FrameOfReferenceUID": "1.2.3"}, "seal_broken"),
    ],
)
def test_images_with_another_key_or_changed_after_the_site_are_refused(
    study, images, tmp_path, monkeypatch, secret, values, rule
):
    participant = enrolled()
    monkeypatch.setenv(site_inputs.KEY_VARIABLE, secret)
    ran(images, tmp_path / "out", "--participant", participant.code)
    for path in (tmp_path / "out" / participant.code / "CT-1").iterdir():
        rewritten(path, **values)
    series = taken_in(participant, CT, tmp_path / "out" / participant.code / "CT-1")
    assert series.status == "quarantined"
    assert rule in series.findings.values_list("rule", flat=True)


@pytest.mark.django_db(transaction=True)
def test_originals_are_not_sent_by_the_command_for_what_a_site_wrote(study, images):
    person(Role.COORDINATOR)
    code, said = send(images)
    assert code == 1
    assert "not sent: It was not de-identified with `deidentify`" in said
    assert not ImagingSeries.objects.exists()
