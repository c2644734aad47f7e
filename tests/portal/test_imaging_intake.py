"""Intake: what comes in is read, judged, de-identified and stored."""

import hashlib
import json

import numpy as np
import pydicom
import pytest

from evaluation.imaging import read_series
from studyportal.core.models import AuditEvent, StatusChange
from studyportal.core.selectors import history_of
from studyportal.core.storage import path_of, read_bytes
from studyportal.imaging.models import Finding, ScanPair
from studyportal.imaging.selectors import (
    accepted_series,
    pair_of,
    quarantine_of,
    stored_paths,
)
from studyportal.imaging.services import (
    check_series,
    purge_series,
)
from studyportal.imaging.states import PairStatus, SeriesRole, SeriesStatus
from studyportal.participants.rules import Answer
from studyportal.participants.selectors import latest_assessment
from synthesis.data import write_dicom
from tests.portal.scenes import (
    enrolled,
    ready_pair,
    sent,
    small_phantom,
    taken_in,
)

# Bytes of quarantine are removed once the transaction has been committed.
pytestmark = pytest.mark.django_db(transaction=True)
CT, PET, OUTLINES = SeriesRole.SOURCE, SeriesRole.REFERENCE, SeriesRole.OUTLINES


def answer_to(pair: ScanPair, criterion: str) -> str:
    return latest_assessment(pair.participant).answers.get(criterion=criterion).answer


def test_ct_and_pet_of_one_phantom_become_a_ready_pair(study, phantom):
    pair = ready_pair(phantom())

    assert answer_to(pair, "EXC-04") == Answer.NOT_MET
    assert [change.target for change in history_of("scan pair", pair.pk)] == [
        "awaiting_images", "checking", "awaiting_images", "checking", "ready",
    ]  # fmt: skip


def test_every_stored_file_is_marked_as_de_identified_and_carries_the_code(study, phantom):
    pair = ready_pair(phantom())
    for path in stored_paths(accepted_series(pair, CT).manifest_sha256):
        header = pydicom.dcmread(path, stop_before_pixels=True)
        assert header.PatientIdentityRemoved == "YES"
        assert pair.participant.code in {str(header.PatientID), str(header.PatientName)}


@pytest.mark.parametrize("style", ["bqml_start", "gml", "bqml_per_slice"])
def test_uptake_values_survive_de_identification_to_the_last_digit(study, tmp_path, style):
    write_dicom(small_phantom(3), tmp_path / "p", style=style)
    series = taken_in(enrolled(), PET, tmp_path / "p" / "PET")

    before = read_series(tmp_path / "p" / "PET")
    after = read_series(stored_paths(series.manifest_sha256))
    assert series.status == SeriesStatus.ACCEPTED
    assert series.suv["factor"] == before.suv_conversion().factor
    assert np.array_equal(before.suv_volume().array, after.suv_volume().array)


def test_ct_values_and_positions_survive_de_identification(study, phantom):
    series = taken_in(enrolled(), CT, phantom() / "CT")
    before, after = read_series(phantom() / "CT"), read_series(stored_paths(series.manifest_sha256))

    assert np.array_equal(before.values, after.values)
    assert after.grid.same_as(before.grid)


def test_an_accepted_series_leaves_quarantine_empty(study, phantom):
    series = taken_in(enrolled(), CT, phantom() / "CT")
    assert series.status == SeriesStatus.ACCEPTED
    assert not quarantine_of(series.pk).exists()


def test_the_row_says_what_lies_in_the_archive(study, phantom):
    series = taken_in(enrolled(), CT, phantom() / "CT")
    entries = json.loads(read_bytes(series.manifest_sha256))["files"]

    assert series.received_files == series.stored_files == len(entries) == 26
    assert series.stored_bytes == sum(entry["bytes"] for entry in entries)
    for entry in entries:
        assert hashlib.sha256(path_of(entry["sha256"]).read_bytes()).hexdigest() == entry["sha256"]
    assert read_bytes(series.preview_sha256).startswith(b"\x89PNG")
    assert series.deidentification["actions"]


def test_pet_may_come_before_ct(study, phantom):
    participant = enrolled()
    taken_in(participant, PET, phantom() / "PET")
    assert pair_of(participant).status == PairStatus.AWAITING_IMAGES
    taken_in(participant, CT, phantom() / "CT")
    assert pair_of(participant).status == PairStatus.READY


def test_a_pair_is_being_checked_while_one_of_its_series_waits(study, phantom):
    participant = enrolled()
    waiting = sent(participant, CT, phantom() / "CT")
    taken_in(participant, PET, phantom() / "PET")
    assert pair_of(participant).status == PairStatus.CHECKING
    check_series(series=waiting)
    assert pair_of(participant).status == PairStatus.READY


def test_intake_twice_changes_nothing(study, phantom):
    series = taken_in(enrolled(), CT, phantom() / "CT")
    before = (AuditEvent.objects.count(), StatusChange.objects.count(), Finding.objects.count())
    again = check_series(series=series)

    assert again.manifest_sha256 == series.manifest_sha256
    after = (AuditEvent.objects.count(), StatusChange.objects.count(), Finding.objects.count())
    assert after == before


def test_the_same_series_gives_the_same_files_for_the_same_participant(study, phantom, settings):
    participant = enrolled()
    first = taken_in(participant, CT, phantom() / "CT")
    entries = json.loads(read_bytes(first.manifest_sha256))["files"]
    purge_series(series=first, by=None, reason="sent by mistake")
    second = taken_in(participant, CT, phantom() / "CT")

    assert json.loads(read_bytes(second.manifest_sha256))["files"] == entries
