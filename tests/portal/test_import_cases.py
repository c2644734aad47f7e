"""`import_cases`: all rows or none, every fault with its line, never a traceback."""

import csv
import shutil
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from studyportal.cli.cases import read_cases
from studyportal.clinical.models import Baseline, ReferenceStandard
from studyportal.core import clock
from studyportal.core.limited import ChildEnded, LimitedChild
from studyportal.core.models import AuditEvent
from studyportal.imaging.models import ImagingSeries, ScanPair
from studyportal.imaging.services import receiving
from studyportal.imaging.states import PairStatus, SeriesStatus
from studyportal.outcomes.models import IndexScore
from studyportal.participants.models import Participant
from studyportal.participants.states import ParticipantStatus
from studyportal.protocol.selectors import active_protocol
from studyportal.sites.rules import Role
from tests.portal.scenes import person

pytestmark = pytest.mark.django_db(transaction=True)
ROW = {
    "site": "SPH", "sex": "F", "age_years": "61", "height_cm": "160", "weight_kg": "55",
    "screening_date": "2026-01-10", "consent_date": "2026-01-10", "consent_version": "1.0",
    "INC-01": "met", "INC-02": "met", "INC-03": "met", "EXC-01": "not_met", "EXC-02": "unknown",
    "EXC-03": "unknown", "EXC-04": "unknown", "ct_folder": "", "pet_folder": "",
    "lesions_file": "", "reference_standard": "malignancy/lesion/1=positive",
    "reader_scores": "R1/ct/malignancy/lesion/1=4",
}  # fmt: skip
FAILED = {"EXC-01": "met", "reference_standard": "", "reader_scores": ""}


@pytest.fixture
def cases(study, tmp_path):
    """Return a function that writes a cases file."""
    person(Role.COORDINATOR)

    def write(*changes: dict[str, str], drop: str = "", add: str = "") -> Path:
        columns = [name for name in ROW if name != drop] + ([add] if add else [])
        path = tmp_path / "cases.csv"
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows({**ROW, **row} for row in changes)
        return path

    return write


def images(folder: Path) -> dict[str, str]:
    return {
        "ct_folder": str(folder / "CT"),
        "pet_folder": str(folder / "PET"),
        "lesions_file": str(folder / "LESIONS" / "seg.dcm"),
    }


def imported(path: Path, *flags: str, by: str = "coordinator-SPH") -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("import_cases", str(path), *flags, by=by, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def refused(path: Path, *flags: str, by: str = "coordinator-SPH") -> str:
    """What a person is told when the command refuses: its lines, then its last word."""
    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError) as error:
        call_command("import_cases", str(path), *flags, by=by, stdout=out, stderr=err)
    assert "Traceback" not in err.getvalue() + str(error.value)
    return f"{err.getvalue()}{error.value}"


def nothing_is_kept(settings) -> bool:
    files = [p for p in Path(settings.QUARANTINE_DIR).rglob("*") if p.is_file()]
    return not (Participant.objects.exists() or ImagingSeries.objects.exists() or files)


def test_a_whole_file_becomes_participants_pairs_and_clinical_facts(cases, phantom, settings):
    out, err = imported(cases(images(phantom(3)), FAILED, images(phantom(4))))

    assert err == ""
    states = dict(Participant.objects.values_list("code", "status"))
    assert states == {
        "SPH-00001": ParticipantStatus.ENROLLED,
        "SPH-00002": ParticipantStatus.SCREEN_FAILED,
        "SPH-00003": ParticipantStatus.ENROLLED,
    }
    assert set(ScanPair.objects.values_list("status", flat=True)) == {PairStatus.READY}
    assert set(ImagingSeries.objects.values_list("status", flat=True)) == {SeriesStatus.ACCEPTED}
    assert (Baseline.objects.count(), ReferenceStandard.objects.count()) == (3, 2)
    assert IndexScore.objects.count() == 2
    assert "SPH-00001  enrolled  pair: ready" in out
    assert "SPH-00002  screen failed  pair: no images" in out
    assert not [p for p in Path(settings.QUARANTINE_DIR).rglob("*") if p.is_file()]


def test_a_missing_column_and_an_unknown_one_are_both_named(cases, settings):
    told = refused(cases({}, drop="EXC-01", add="colour"))
    assert "The column “EXC-01” is missing." in told
    assert "The column “colour” is not known." in told
    assert nothing_is_kept(settings)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "column “site” is missing"),
        (b"\xff\xfe\x00\x01", "not a CSV table in UTF-8"),
        (b"site;sex\nSPH;F\n", "column “site” is missing"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_words(cases, tmp_path, content, told):
    path = tmp_path / "other.csv"
    path.write_bytes(content)
    assert told in refused(path)


def test_a_file_with_a_header_and_no_row_is_refused(cases):
    assert "has no row" in refused(cases())


def test_a_file_that_is_not_there_and_a_person_who_is_not_are_named(cases, tmp_path):
    assert "There is no file nowhere.csv" in refused(tmp_path / "nowhere.csv")
    assert "no active person with the user name “nobody”" in refused(cases({}), by="nobody")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"site": "XXX"}, "“XXX” is not a site of the protocol"),
        ({"sex": "?"}, "Sex must be F or M"),
        ({"age_years": "sixty"}, "“sixty” is not a whole number"),
        ({"age_years": ""}, "age in years is missing"),
        ({"age_years": "17"}, "INC-03"),
        ({"screening_date": "10.01.2026"}, "“10.01.2026” is not a date"),
        ({"screening_date": ""}, "The cell is empty"),
        ({"screening_date": "2999-01-01"}, "lies in the future"),
        ({"consent_date": ""}, "no date of consent"),
        ({"consent_version": "7"}, "Consent version “7”"),
        ({"INC-01": "yes"}, "“yes” is not met, not_met or unknown"),
        ({"INC-01": ""}, "The cell is empty"),
        ({"height_cm": "1.6"}, "A height of 1.6 cm cannot be"),
        ({"weight_kg": "heavy"}, "“heavy” is not a number"),
        ({"weight_kg": "nan"}, "cannot be"),
        ({"ct_folder": "nowhere"}, "There is no such folder"),
        ({"lesions_file": "nowhere.dcm"}, "There is no such file"),
        ({"reference_standard": "malignancy/lesion/1=maybe"}, "reference_standard"),
        ({"reader_scores": "R1/ct/malignancy/lesion/1=101"}, "from 0 to 100"),
    ],
)
def test_a_bad_cell_is_told_with_its_line_and_nothing_is_kept(cases, settings, change, told):
    message = refused(cases({}, change))
    assert "line 3: " in message
    assert told in message
    assert "line 2: " not in message
    assert "1 of 2 rows cannot be imported, so nothing was" in message
    assert nothing_is_kept(settings)


def test_every_bad_row_is_told_with_its_line(cases):
    message = refused(cases({"sex": "?"}, {}, {"age_years": "x", "weight_kg": "y"}))
    assert [line[:6] for line in message.splitlines() if line.startswith("line")] == [
        "line 2", "line 4", "line 4", "line 4",
    ]  # fmt: skip


def test_a_row_with_another_number_of_cells_is_told(cases):
    path = cases({})
    path.write_text(path.read_text() + "SPH,F\n", "utf-8")
    assert "line 3: The row has another number of cells" in refused(path)


def test_only_the_valid_rows_are_imported_when_asked_so(cases):
    _, err = imported(cases({}, {"sex": "?"}, {}), "--valid-rows")
    assert "line 3: sex" in err
    assert Participant.objects.count() == 2


def test_no_valid_row_is_refused_even_when_asked_for_valid_rows(cases, settings):
    assert "No row can be imported" in refused(cases({"sex": "?"}), "--valid-rows")
    assert nothing_is_kept(settings)


def test_checking_tells_and_keeps_nothing(cases, phantom, settings):
    out, _ = imported(cases(images(phantom(3)), {}), "--check")
    assert "2 of 2 rows can be imported. Nothing was imported." in out
    assert nothing_is_kept(settings)


def test_a_disk_that_is_full_half_way_undoes_every_row(cases, phantom, settings, monkeypatch):
    copied, real = [], receiving._write

    def write(target, stream):
        copied.append(target)
        if len(copied) > 60:
            raise OSError(28, "No space left on device")
        return real(target, stream)

    monkeypatch.setattr(receiving, "_write", write)
    path = cases(images(phantom(3)), images(phantom(4)))
    told = refused(path)
    assert "No space left" in told
    assert nothing_is_kept(settings)


def test_images_of_a_person_who_is_in_the_study_already_are_refused(cases, phantom):
    imported(cases(images(phantom(3))))
    again = refused(cases({}, images(phantom(3))))
    assert "line 3: The images belong to SPH-00001, who is in the study already." in again
    assert Participant.objects.count() == 1


def test_the_same_file_a_second_time_is_refused_in_words(cases, phantom):
    path = cases(images(phantom(3)))
    imported(path)
    before = AuditEvent.objects.count()
    assert "SPH-00001" in refused(path)
    assert AuditEvent.objects.count() == before


def test_the_same_images_in_two_rows_are_refused(cases, phantom, settings):
    told = refused(cases(images(phantom(3)), images(phantom(3))))
    assert "line 3: ct_folder: The same images are named in line 2 already." in told
    assert nothing_is_kept(settings)


def test_the_same_person_in_copies_of_the_images_in_two_rows_is_refused(
    cases, phantom, settings, tmp_path
):
    shutil.copytree(phantom(3), tmp_path / "copy")
    told = refused(cases(images(phantom(3)), images(tmp_path / "copy")))
    assert "line 3: The images belong to the person of line 2." in told
    assert nothing_is_kept(settings)


def test_images_of_a_screen_failure_are_refused(cases, phantom, settings):
    told = refused(cases({**images(phantom(3)), "EXC-01": "met"}))
    assert "Images are given, yet the participant is not eligible" in told
    assert nothing_is_kept(settings)


def test_two_series_in_one_folder_are_refused(cases, phantom, tmp_path):
    shutil.copytree(phantom(3) / "CT", tmp_path / "both" / "a")
    shutil.copytree(phantom(4) / "CT", tmp_path / "both" / "b")
    assert "holds 2 CT series" in refused(cases({"ct_folder": str(tmp_path / "both")}))


def test_a_coordinator_imports_for_the_own_site_only(cases, settings):
    told = refused(cases({"site": "SEH"}))
    assert "coordinator-SPH may not screen participants at SEH" in told
    assert nothing_is_kept(settings)


def test_queued_images_wait_for_the_workers(cases, phantom):
    out, _ = imported(cases(images(phantom(3))), "--queue")
    assert "3 series wait for the workers." in out
    assert set(ImagingSeries.objects.values_list("status", flat=True)) == {SeriesStatus.RECEIVED}


def test_images_that_fail_their_check_are_told_and_the_participant_stays(cases, phantom, tmp_path):
    shutil.copytree(phantom(3) / "PET", tmp_path / "no-ct")
    out, _ = imported(cases({**images(phantom(3)), "ct_folder": str(tmp_path / "no-ct")}))
    assert "SPH-00001  enrolled  pair: query open" in out
    assert "exclude: This is a PT series" in out


def test_no_file_of_a_folder_is_looked_into_by_the_command_itself(cases, phantom, monkeypatch):
    def parsed(*_args, **_options):
        raise AssertionError("the command parsed a file of a stranger")

    for name in ("dcmread", "filereader.read_partial"):
        monkeypatch.setattr(f"pydicom.{name}", parsed)
    out, err = imported(cases(images(phantom(3))), "--check")
    assert "Traceback" not in err
    assert "1" in out


def test_a_file_that_kills_its_reader_leaves_the_other_files_of_the_folder(
    cases, phantom, tmp_path, monkeypatch
):
    folder = tmp_path / "CT"
    shutil.copytree(phantom(3) / "CT", folder)
    asked, ask = [], LimitedChild.ask

    def dying_once(self, question, **values):
        asked.append(len(values["files"]))
        if len(asked) == 1:
            raise ChildEnded(2)
        return ask(self, question, **values)

    monkeypatch.setattr(LimitedChild, "ask", dying_once)
    rows = read_cases(
        cases({"ct_folder": str(folder)}), protocol=active_protocol(), today=clock.today()
    )
    count = len(list(folder.iterdir()))
    assert asked == [count, 2, count - 3]
    assert len(rows[0].ct_files) == count - 1
