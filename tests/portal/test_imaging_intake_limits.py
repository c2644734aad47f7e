"""Received files are looked into by a limited child: what it dies at is refused by name, and nothing else is touched."""

import time
from pathlib import Path

import pytest

from studyportal.core import spool
from studyportal.core.limited import Bounds, ChildBroke, ChildEnded, LimitedChild
from studyportal.core.models import StatusChange
from studyportal.core.selectors import history_of
from studyportal.core.services import advance
from studyportal.imaging.models import Finding, ImagingSeries
from studyportal.imaging.services import check_series
from studyportal.imaging.services import reading as limited_reading
from studyportal.imaging.states import IMAGING_SERIES, SeriesRole, SeriesStatus
from tests.bad_bytes import changed, few_slices
from tests.bad_images import bad_cases, wanted_and_given
from tests.portal.scenes import enrolled, sent, taken_in

pytestmark = pytest.mark.django_db
CT, PET = SeriesRole.SOURCE, SeriesRole.REFERENCE
HOSTILE = "tests.portal.hostile_handlers"


def hostile() -> LimitedChild:
    return LimitedChild(HOSTILE, Bounds(whole_mib=2048, file_mib=64, file_seconds=1))


@pytest.mark.parametrize("question", ["grow_in_c", "spin", "crash"])
def test_a_child_that_goes_beyond_a_limit_ends_and_says_at_which_file(question):
    began = time.monotonic()
    with hostile() as child, pytest.raises(ChildEnded) as ended:
        child.ask(question, file=7)
    assert ended.value.at == 7
    assert time.monotonic() - began < 30


def test_a_child_that_asks_for_too_much_memory_hears_so_and_takes_none():
    with hostile() as child:
        assert child.ask("grow", file=0) == {"refused": "MemoryError"}
        assert child.ask("grow", file=1) == {"refused": "MemoryError"}


def test_an_error_of_our_own_comes_without_its_message():
    with hostile() as child, pytest.raises(ChildBroke) as broke:
        child.ask("fail", quoted="SOMEBODY^KNOWN")
    assert broke.value.kind == "ValueError"
    assert "SOMEBODY" not in str(broke.value) + broke.value.where


def test_the_next_child_is_a_fresh_one():
    with hostile() as child, pytest.raises(ChildEnded):
        child.ask("crash", file=0)
    with hostile() as child:
        assert child.ask("hello") == {"heard": True}


def files_of(folder: Path) -> dict[str, bytes]:
    return few_slices(folder, slice(8, 14))


def written(files, folder: Path) -> Path:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def rules_of(series: ImagingSeries) -> list[str]:
    rows = Finding.objects.filter(pair=series.pair, grade="exclude", superseded=False)
    return list(rows.values_list("rule", flat=True))


@pytest.fixture(scope="session")
def corpus(phantom):
    cases = bad_cases(files_of(phantom() / "CT"), files_of(phantom() / "PET"))
    return {case.name: case for case in cases}


QUICK = [
    "B5 cut in pixels", "B7 PixelData too long", "B8 unknown VR", "B9 slope NaN", "B13 no injection date",
    "B17 two patients", "B19 two frames", "B20 same UID, other bytes", "B21 series of another",
    "B22 element of 4 GB", "B23 deflated bomb", "B24 20,000 nested", "R10 codestream of 65535",
    "R10 overlapping zip", "R11 UID of a path", "B26 dose report", "B27 name in undeclared",
]  # fmt: skip


@pytest.mark.parametrize("name", QUICK)
def test_bad_input_has_the_stated_reason_and_leaves_no_row_in_the_archive(
    study, corpus, tmp_path, name
):
    case = corpus[name]
    if case.of_another:
        taken_in(
            enrolled(), SeriesRole(case.of_another_role), written(case.of_another, tmp_path / "o")
        )
    series = taken_in(enrolled(), SeriesRole(case.role), written(case.files, tmp_path / "f"))
    assert wanted_and_given(case, rules_of(series))
    assert (series.status == SeriesStatus.ACCEPTED) == (not case.reasons)
    assert (series.manifest_sha256 == "") == bool(case.reasons)


def test_a_refusal_of_mixed_files_lists_those_that_stand_out(study, corpus, tmp_path):
    files = corpus["B17 two patients"].files
    series = taken_in(enrolled(), CT, written(files, tmp_path / "f"))
    found = Finding.objects.get(series=series, rule="mixed_patient")
    assert "Image 12 does not fit the others" in found.sentence
    assert len(found.values["files"]) == 1


def test_a_file_at_which_the_child_dies_is_named_and_the_worker_goes_on(
    study, phantom, tmp_path, monkeypatch
):
    def die(self, question, **values):
        raise ChildEnded(2)

    monkeypatch.setattr(limited_reading.LimitedChild, "ask", die)
    series = taken_in(enrolled(), CT, written(files_of(phantom() / "CT"), tmp_path / "f"))
    found = Finding.objects.get(series=series)
    assert (series.status, found.rule) == (SeriesStatus.QUARANTINED, "too_costly")
    assert found.sentence.startswith("File ")


def test_each_step_of_intake_is_a_status_with_its_history(study, phantom, tmp_path):
    series = taken_in(enrolled(), CT, written(files_of(phantom() / "CT"), tmp_path / "f"))
    assert [change.target for change in history_of("imaging series", series.pk)] == [
        "receiving", "received", "validating", "deidentifying", "accepted",
    ]  # fmt: skip
    assert series.received_files == series.stored_files == 6


def test_a_series_whose_worker_died_half_way_begins_anew(study, phantom, tmp_path):
    series = sent(enrolled(), CT, written(files_of(phantom() / "CT"), tmp_path / "f"))
    advance(series, IMAGING_SERIES, SeriesStatus.VALIDATING, by=None)
    assert check_series(series=series).status == SeriesStatus.ACCEPTED
    reasons = StatusChange.objects.filter(object_id=series.pk, target="received")
    assert "its worker stopped" in reasons.values_list("reason", flat=True)


def test_an_image_that_came_over_the_network_with_other_content_is_a_conflict(
    study, phantom, tmp_path
):
    files = files_of(phantom() / "CT")
    uids = {}
    name = min(files)
    changed(files[name], lambda dataset: uids.update(one=str(dataset.SOPInstanceUID)))
    spool.remember("SPH", spool.Identity(spool.keyed("SPH", uids["one"]), "s", "0" * 64))
    series = taken_in(enrolled(), CT, written(files, tmp_path / "f"))
    assert rules_of(series) == ["conflict"]
    found = Finding.objects.get(series=series, rule="conflict")
    assert "Image 9 is here already" in found.sentence
