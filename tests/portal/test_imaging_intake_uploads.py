"""Uploads into quarantine: who may send what, and when."""

import hashlib

import pytest

from studyportal.core.errors import NotAllowed, Refused
from studyportal.imaging.models import Finding, ImagingSeries
from studyportal.imaging.selectors import (
    pair_for,
    quarantine_of,
    series_for,
)
from studyportal.imaging.services import (
    add_file,
    complete_series,
    open_series,
    purge_series,
)
from studyportal.imaging.states import SeriesRole, SeriesStatus
from studyportal.participants.services import screen_participant
from studyportal.sites.rules import PERMISSIONS, Action, Role
from tests.portal.scenes import (
    enrolled,
    facts,
    person,
    sent,
    site,
    taken_in,
)

# Bytes of quarantine are removed once the transaction has been committed.
pytestmark = pytest.mark.django_db(transaction=True)
CT, PET, OUTLINES = SeriesRole.SOURCE, SeriesRole.REFERENCE, SeriesRole.OUTLINES


def test_an_upload_needs_enrolment(study):
    by = person(Role.COORDINATOR)
    eligible = screen_participant(site=site("SPH"), facts=facts(), by=by)
    with pytest.raises(Refused, match="not enrolled"):
        open_series(participant=eligible, role=CT, by=by)


def test_a_role_that_is_taken_takes_no_second_series(study, phantom):
    participant = enrolled()
    taken_in(participant, CT, phantom() / "CT")
    with pytest.raises(Refused, match="has an accepted CT already"):
        open_series(participant=participant, role=CT, by=person(Role.COORDINATOR))


def test_an_empty_upload_and_a_short_one_are_refused_and_stay_open(study, phantom):
    by = person(Role.COORDINATOR)
    series = open_series(participant=enrolled(), role=CT, by=by)
    with pytest.raises(Refused, match="No file was received"):
        complete_series(series=series, by=by)
    with next((phantom() / "CT").iterdir()).open("rb") as stream:
        add_file(series=series, stream=stream, by=by)
    with pytest.raises(Refused, match="2 different files were announced and 1 arrived"):
        complete_series(series=series, by=by, announced=2)
    assert ImagingSeries.objects.get().status == SeriesStatus.RECEIVING


def test_the_same_file_twice_is_one_file_under_its_digest(study, phantom):
    by = person(Role.COORDINATOR)
    series = open_series(participant=enrolled(), role=CT, by=by)
    path = next((phantom() / "CT").iterdir())
    for _ in range(2):
        with path.open("rb") as stream:
            digest = add_file(series=series, stream=stream, by=by)

    assert [kept.name for kept in quarantine_of(series.pk).iterdir()] == [digest]
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_that_is_too_large_is_refused_and_leaves_nothing(study, settings, phantom):
    settings.UPLOAD_MAX_BYTES_PER_FILE = 1000
    by = person(Role.COORDINATOR)
    series = open_series(participant=enrolled(), role=CT, by=by)
    with next((phantom() / "CT").iterdir()).open("rb") as stream, pytest.raises(Refused):
        add_file(series=series, stream=stream, by=by)
    assert list(quarantine_of(series.pk).iterdir()) == []


def test_a_completed_upload_takes_no_more_files(study, phantom):
    series = sent(enrolled(), CT, phantom() / "CT")
    with next((phantom() / "PET").iterdir()).open("rb") as stream, pytest.raises(Refused):
        add_file(series=series, stream=stream, by=person(Role.COORDINATOR))


def test_others_cannot_upload_and_another_site_sees_nothing(study, phantom):
    participant = enrolled()
    for role in Role:
        if Action.UPLOAD_IMAGES not in PERMISSIONS[role]:
            with pytest.raises(NotAllowed):
                open_series(participant=participant, role=CT, by=person(role))
    other = person(Role.COORDINATOR, at="SEH")
    with pytest.raises(NotAllowed):
        open_series(participant=participant, role=CT, by=other)
    series = sent(participant, CT, phantom() / "CT")
    assert series_for(other, series.pk) is None
    assert pair_for(other, series.pair_id) is None
    assert series_for(person(Role.COORDINATOR), series.pk) == series


def test_a_purged_series_leaves_no_original_but_its_row_and_findings(study, phantom):
    series = taken_in(enrolled(), CT, phantom() / "PET")
    assert quarantine_of(series.pk).exists()
    purge_series(series=series, by=None, reason="refused and sent again")

    assert not quarantine_of(series.pk).exists()
    assert Finding.objects.filter(series=series).exists()
