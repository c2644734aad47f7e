"""From the spool to the inbox to a received series: who it belongs to, when it is complete, what is never lost."""

from pathlib import Path

import pytest

from studyportal.core import clock, spool
from studyportal.core.errors import NotAllowed, Refused
from studyportal.core.models import AuditEvent
from studyportal.core.spool import Batch, Ending
from studyportal.imaging.models import Arrival, ArrivalConflict, ImagingSeries
from studyportal.imaging.selectors import arrival_for, inbox_of, pair_of, patient_key, quarantine_of
from studyportal.imaging.services import (
    assign_arrival,
    check_series,
    discard_arrival,
    discard_stale,
    read_spool,
    settle_conflict,
    settle_inbox,
)
from studyportal.imaging.states import ArrivalStatus, PairStatus, SeriesRole, SeriesStatus
from studyportal.sites.rules import Role
from studyportal.tasks import dispatch, intake
from tests import factories as make
from tests.portal.dicom_files import ct_slice, file_bytes, keep_file, stored_files
from tests.portal.scenes import enrolled, person, taken_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at_once(settings, study):
    settings.INBOX_QUIET_SECONDS = -1


def came(*images, at="SPH", how=Ending.RELEASED, sender="PACS"):
    """These images (or files) came in one association, and the portal read them."""
    batch = Batch(site_code=at, way="c_store", sender=sender)
    for image in images:
        keep_file(
            batch,
            image.read_bytes() if isinstance(image, Path) else file_bytes(image),
            site_code=at,
        )
    batch.end(how)
    assert read_spool() == 1


def waiting() -> Arrival:
    settle_inbox()
    return Arrival.objects.get(status=ArrivalStatus.WAITING)


def coordinator(at="SPH"):
    return person(Role.COORDINATOR, at=at)


def test_images_of_a_series_wait_together_under_hashes_and_the_spool_is_empty(settings):
    came(ct_slice(1), ct_slice(2), ct_slice(1, series=6))
    assert sorted(Arrival.objects.values_list("files", flat=True)) == [1, 2]
    row = Arrival.objects.get(files=2)
    assert (row.modality, row.status, row.sender) == ("CT", ArrivalStatus.COLLECTING, "PACS")
    assert row.patient_key == patient_key("H-1", "SPH")
    words = " ".join(map(str, Arrival.objects.values().first().values()))
    assert not any(word in words for word in ("Somebody", "H-1", "1.2.3"))
    assert stored_files(settings.SPOOL_DIR) == []


def test_a_series_is_complete_after_a_quiet_time_and_not_before(settings):
    settings.INBOX_QUIET_SECONDS = 60
    came(ct_slice())
    settle_inbox()
    assert Arrival.objects.get().status == ArrivalStatus.COLLECTING
    settings.INBOX_QUIET_SECONDS = -1
    assert waiting().files == 1


def test_later_images_join_a_series_that_waits():
    came(ct_slice(1))
    assert waiting().files == 1
    came(ct_slice(2))
    row = Arrival.objects.get()
    assert (row.status, row.files) == (ArrivalStatus.COLLECTING, 2)


def test_an_arrival_becomes_a_received_series_like_an_upload():
    came(ct_slice(1), ct_slice(2))
    participant, row = enrolled(), waiting()
    before = sorted(path.name for path in quarantine_of(row.pk).iterdir())
    series = assign_arrival(arrival=row, participant=participant, by=coordinator())
    assert (series.status, series.role, series.received_files) == ("received", "source", 2)
    assert sorted(path.name for path in quarantine_of(series.pk).iterdir()) == before
    row.refresh_from_db()
    assert (row.status, row.series) == (ArrivalStatus.ASSIGNED, series)


def test_a_bound_patients_next_series_is_assigned_and_checked_without_anybody(phantom):
    participant = enrolled()
    taken_in(participant, SeriesRole.SOURCE, phantom() / "CT")
    came(*sorted((phantom() / "PET").iterdir()))
    (series,) = settle_inbox()
    check_series(series=series)
    assert series.status == SeriesStatus.ACCEPTED
    assert pair_of(participant).status == PairStatus.READY
    assert series.sent_by is None


def test_the_timetable_brings_a_bound_patients_series_to_its_check(phantom, monkeypatch):
    participant = enrolled()
    taken_in(participant, SeriesRole.SOURCE, phantom() / "CT")
    came(*sorted((phantom() / "PET").iterdir()))
    asked = []
    monkeypatch.setattr(dispatch, "check_series", asked.append)
    intake.read_inbox()
    intake.read_inbox()
    assert asked == [ImagingSeries.objects.get(status=SeriesStatus.RECEIVED).pk]


def test_a_broken_association_assigns_nothing_by_itself_until_it_was_sent_to_the_end():
    make.PatientBindingFactory(participant=enrolled(), patient_key=patient_key("H-1", "SPH"))
    came(ct_slice(1), ct_slice(2), how=Ending.BROKEN_OFF)
    assert settle_inbox() == []
    came(ct_slice(1), ct_slice(2))  # everything is known already; the association ends well
    assert [series.received_files for series in settle_inbox()] == [2]


def test_two_series_of_one_kind_wait_for_a_choice():
    make.PatientBindingFactory(participant=enrolled(), patient_key=patient_key("H-1", "SPH"))
    came(ct_slice(series=5), ct_slice(series=6))
    assert settle_inbox() == []
    assert all("choose the one" in note for note in Arrival.objects.values_list("note", flat=True))


def test_a_series_that_was_refused_is_completed_by_the_missing_images(phantom):
    images = sorted((phantom() / "CT").iterdir())
    came(*images[:10], *images[12:])
    participant = enrolled()
    series = assign_arrival(arrival=waiting(), participant=participant, by=coordinator())
    assert check_series(series=series).status == SeriesStatus.QUARANTINED
    came(*images[10:12])
    again = assign_arrival(arrival=waiting(), participant=participant, by=coordinator())
    assert again.received_files == len(images)
    assert check_series(series=again).status == SeriesStatus.ACCEPTED


def test_images_of_several_patients_are_never_assigned_by_themselves():
    make.PatientBindingFactory(participant=enrolled(), patient_key=patient_key("H-1", "SPH"))
    came(ct_slice(1), ct_slice(2, patient="H-2"))
    assert settle_inbox() == []
    assert Arrival.objects.get().several_patients


def test_images_of_another_participants_patient_are_refused():
    make.PatientBindingFactory(participant=enrolled(), patient_key=patient_key("H-1", "SPH"))
    came(ct_slice(1), ct_slice(1, series=6))
    row = Arrival.objects.filter(status="collecting").first()
    settle_inbox()
    row.refresh_from_db()
    with pytest.raises(Refused, match="another participant"):
        assign_arrival(arrival=row, participant=enrolled(), by=coordinator())
    assert not ImagingSeries.objects.exists()


def test_an_arrival_is_assigned_once_and_at_its_own_site_only():
    came(ct_slice())
    row, participant = waiting(), enrolled()
    with pytest.raises(NotAllowed):
        assign_arrival(arrival=row, participant=participant, by=coordinator("SEH"))
    with pytest.raises(Refused, match="another site"):
        assign_arrival(arrival=row, participant=enrolled(at="SEH"), by=coordinator())
    assign_arrival(arrival=row, participant=participant, by=coordinator())
    stale = Arrival.objects.get()
    with pytest.raises(Refused):
        assign_arrival(arrival=stale, participant=participant, by=coordinator())
    assert ImagingSeries.objects.count() == 1


def test_a_refused_assignment_leaves_the_images_where_they_are():
    came(ct_slice())
    row = waiting()
    with pytest.raises(Refused, match="not enrolled"):
        assign_arrival(
            arrival=row,
            participant=make.ParticipantFactory(site=row.site, eligible=True),
            by=coordinator(),
        )
    assert len(list(quarantine_of(row.pk).iterdir())) == 1


def test_other_bytes_under_one_uid_are_a_conflict_that_a_person_settles():
    came(ct_slice(1, value=7))
    for _ in range(2):
        came(ct_slice(1, value=8))
    conflict = ArrivalConflict.objects.get()
    assert conflict.arrival == Arrival.objects.get()
    assert AuditEvent.objects.filter(verb="note_conflict").count() == 1
    with pytest.raises(Refused, match="Say which"):
        settle_conflict(conflict=conflict, reason=" ", by=coordinator())
    settle_conflict(conflict=conflict, reason="The first.", by=coordinator())
    with pytest.raises(Refused, match="settled already"):
        settle_conflict(conflict=conflict, reason="The first.", by=coordinator())


def test_a_series_with_an_image_of_two_contents_is_not_taken_before_a_person_said_which():
    came(ct_slice(1, value=7))
    came(ct_slice(1, value=8))
    participant = enrolled()
    with pytest.raises(Refused, match="came twice with other content"):
        assign_arrival(arrival=waiting(), participant=participant, by=coordinator())
    assert not ImagingSeries.objects.exists()
    settle_conflict(conflict=ArrivalConflict.objects.get(), reason="First.", by=coordinator())
    series = assign_arrival(arrival=waiting(), participant=participant, by=coordinator())
    assert series.received_files == 1


def test_a_conflict_in_images_of_a_bound_patient_waits_for_a_person_and_then_needs_no_other():
    participant = enrolled()
    make.PatientBindingFactory(participant=participant, patient_key=patient_key("H-1", "SPH"))
    came(ct_slice(1, value=7))
    came(ct_slice(1, value=8))
    assert settle_inbox() == []
    assert "came twice" in Arrival.objects.get().note
    settle_conflict(conflict=ArrivalConflict.objects.get(), reason="First.", by=coordinator())
    assert [series.pair.participant for series in settle_inbox()] == [participant]


def test_what_was_discarded_is_gone_and_can_be_sent_anew(django_capture_on_commit_callbacks):
    came(ct_slice(1, value=7))
    row = waiting()
    with django_capture_on_commit_callbacks(execute=True):
        discard_arrival(arrival=row, reason="The wrong patient.", by=coordinator())
    assert not quarantine_of(row.pk).exists()
    came(ct_slice(1, value=8))
    assert waiting().files == 1
    assert not ArrivalConflict.objects.exists()


@pytest.mark.parametrize("status", ["received", "accepted"])
def test_images_that_a_check_has_or_accepted_are_not_discarded(status):
    row = make.ArrivalFactory(assigned=True, series=make.ImagingSeriesFactory(**{status: True}))
    with pytest.raises(Refused, match="they stay"):
        discard_arrival(arrival=row, reason="Why not.", by=None)


def test_what_nobody_assigns_is_deleted_in_time():
    came(ct_slice())
    waiting()
    assert discard_stale(before=make.MOMENT) == 0
    assert discard_stale(before=clock.now()) == 1
    assert Arrival.objects.get().status == ArrivalStatus.DISCARDED


def test_a_site_that_does_not_exist_keeps_its_images_in_the_spool(settings):
    batch = Batch(site_code="NOWHERE", way="c_store", sender="PACS")
    keep_file(batch, file_bytes(ct_slice()), site_code="NOWHERE")
    batch.end(Ending.RELEASED)
    assert read_spool() == 0
    assert len(stored_files(settings.SPOOL_DIR, "NOWHERE")) == 1


def test_a_file_that_a_crash_cut_is_dropped_and_can_be_sent_again(settings):
    batch = Batch(site_code="SPH", way="c_store", sender="PACS")
    keep_file(batch, file_bytes(ct_slice(1)), site_code="SPH")
    (batch.folder / ("0" * 64)).write_bytes(b"cut")
    batch.end(Ending.BROKEN_OFF)
    assert read_spool() == 1
    assert Arrival.objects.get().files == 1
    assert stored_files(settings.SPOOL_DIR) == []


def test_one_process_reads_the_spool_at_a_time():
    with spool.sole_reader() as mine:
        assert mine
        batch = Batch(site_code="SPH", way="c_store", sender="PACS")
        keep_file(batch, file_bytes(ct_slice()), site_code="SPH")
        batch.end(Ending.RELEASED)
        assert read_spool() == 0
    assert read_spool() == 1


def test_the_inbox_shows_the_own_site_and_finds_a_patient_by_the_hospitals_number():
    came(ct_slice(), ct_slice(series=6, patient="H-2"))
    came(ct_slice(), at="SEH")
    assert inbox_of(coordinator()).count() == 2
    assert inbox_of(coordinator(), patient_id="H-2").count() == 1
    assert inbox_of(coordinator(), patient_id="H-3").count() == 0
    stranger = Arrival.objects.get(site__code="SEH")
    assert arrival_for(coordinator(), stranger.pk) is None
    assert not inbox_of(person(Role.MONITOR)).exists()
