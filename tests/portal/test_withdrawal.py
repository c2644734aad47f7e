"""A withdrawal reaches every room, survives a kill, and says what it did."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
import time_machine
from django.conf import settings as live

from studyportal.cli.remains import remains_of
from studyportal.clinical.rules import ReferenceEntry, ReferenceStatus, TargetCondition, Unit
from studyportal.clinical.selectors import every_reference, reference_of
from studyportal.clinical.services import enter_reference
from studyportal.core import clock, storage
from studyportal.core.errors import NotAllowed, Refused
from studyportal.core.models import AuditEvent
from studyportal.core.selectors import history_of
from studyportal.core.storage import path_of, store_bytes
from studyportal.exports.services import build_export, download_export, request_pairs_export
from studyportal.exports.states import ExportStatus
from studyportal.imaging.models import DerivedVolume, ImagingSeries
from studyportal.imaging.selectors import (
    accepted_series,
    notes_of,
    quarantine_of,
    stored_paths,
    uptake_origin,
    uptake_origins,
)
from studyportal.imaging.services import intake as intake_of_images
from studyportal.imaging.services import open_series
from studyportal.imaging.states import PairStatus, SeriesRole, SeriesStatus
from studyportal.outcomes.selectors import removed_by_cut
from studyportal.outcomes.services import freeze_cut, tables_of
from studyportal.outcomes.services.tables import freeze_tables
from studyportal.participants.models import Consent, Disposition, Withdrawal
from studyportal.participants.rules import Room, Scope, Standing, Why, withdrawal_faults
from studyportal.participants.services import carry_out, record_withdrawal
from studyportal.participants.services import withdrawing as participants_withdrawing
from studyportal.participants.states import ParticipantStatus, WithdrawalStatus
from studyportal.queries.states import QueryStatus
from studyportal.sites.rules import Role
from studyportal.syntheses.services import cancel_job, derive_pair, retry_job
from studyportal.syntheses.states import JobStatus, SyntheticStatus
from studyportal.tasks import dispatch, sweep, withdrawal
from tests import factories as make
from tests.portal.scenes import (
    enrolled,
    keep_truth,
    person,
    quick_plan,
    ready_pair,
    released,
    synthesised,
)

pytestmark = pytest.mark.django_db
CT, PET = SeriesRole.SOURCE, SeriesRole.REFERENCE


def withdrawn(participant, scope=Scope.REMOVE, **changes) -> Withdrawal:
    told = {"withdrawn_on": clock.today(), "why": Why.NOT_SAID, "note": "", **changes}
    by = person(Role.COORDINATOR, at=participant.site.code)
    return record_withdrawal(participant=participant, scope=scope, by=by, **told)


def obeyed(row: Withdrawal, *, again: bool = False) -> Withdrawal:
    return carry_out(withdrawal=row, rooms=withdrawal.ROOMS, in_use=withdrawal.in_use, again=again)


def counts(row: Withdrawal, room: Room) -> dict[str, int]:
    return row.steps.get(room=room).counts


def stored_pair(participant, **traits):
    """A ready pair whose series lie in the archive as small files, each of the participant's own."""
    pair = make.ScanPairFactory(participant=participant, **({"ready": True} | traits))
    for role in (CT, PET):
        files = [store_bytes(f"{participant.code} {role} {n}".encode()).sha256 for n in range(3)]
        listed = store_bytes(json.dumps({"files": [{"sha256": one} for one in files]}).encode())
        preview = store_bytes(b"the same picture of everybody")
        make.ImagingSeriesFactory(
            pair=pair, role=role, accepted=True, manifest_sha256=listed.sha256,
            preview_sha256=preview.sha256,
        )  # fmt: skip
    return pair


def files_of(pair) -> set[str]:
    return {
        path.name
        for row in ImagingSeries.objects.filter(pair=pair)
        for path in stored_paths(row.manifest_sha256)
    }


def there(digests) -> int:
    return sum(path_of(digest).exists() for digest in digests)


def test_after_removal_no_image_and_no_archive_on_the_disk_names_the_participant(
    study, phantom, model_folder
):
    gone = ready_pair(phantom(), outlines=True)
    synthesised(gone, released(model_folder))
    derive_pair(pair=gone)
    keep_truth(gone.participant, 3)
    export = request_pairs_export(site=None, reason="To train.", by=person(Role.STATISTICIAN))
    build_export(export=export)
    code = gone.participant.code
    assert len(remains_of(code).images) > 60
    assert len(remains_of(code).archives) == 1
    volumes = list(DerivedVolume.objects.exclude(sha256="").values_list("sha256", flat=True))
    assert there(volumes) == len(volumes) > 5

    row = obeyed(withdrawn(gone.participant))

    assert row.status == WithdrawalStatus.CARRIED_OUT
    assert remains_of(code).nothing
    assert there(volumes) == 0
    synthetic = gone.synthesis_jobs.get().synthetic_series
    assert synthetic.status == SyntheticStatus.WITHDRAWN
    gone.refresh_from_db()
    assert gone.status == PairStatus.EXCLUDED
    assert not reference_of(gone.participant)
    export.refresh_from_db()
    assert export.status == ExportStatus.EXPIRED
    told = counts(row, Room.IMAGING)
    assert told["images_deleted"] == sum(s.stored_files for s in gone.series.all())
    assert {"source_removed", "reference_removed", "outlines_removed"} <= set(told)
    assert counts(row, Room.ARCHIVE)["files_deleted"] > told["images_deleted"]
    assert "sealed" in row.steps.get(room=Room.CLINICAL).stays[0].lower()


def test_whoever_stops_collecting_keeps_what_was_collected_and_nothing_new_comes(study):
    participant = enrolled()
    pair = stored_pair(participant)
    open_upload = make.ImagingSeriesFactory(pair=pair, role=SeriesRole.OUTLINES)
    make.PatientBindingFactory(participant=participant)
    accepted = pair.series.filter(status=SeriesStatus.ACCEPTED)
    files = {p.name for s in accepted for p in stored_paths(s.manifest_sha256)}

    row = obeyed(withdrawn(participant, Scope.STOP_COLLECTING))

    assert row.status == WithdrawalStatus.CARRIED_OUT
    assert there(files) == len(files) == 6
    assert accepted.count() == 2
    open_upload.refresh_from_db()
    assert open_upload.status == SeriesStatus.PURGED
    assert counts(row, Room.IMAGING) == {"uploads_ended": 1, "links_forgotten": 1}
    participant.refresh_from_db()
    assert participant.status == ParticipantStatus.DISCONTINUED
    assert Disposition.objects.get(participant=participant).kind == "discontinued"
    by = person(Role.COORDINATOR)
    entry = ReferenceEntry(TargetCondition.MALIGNANCY, Unit.LESION, "1", ReferenceStatus.POSITIVE)
    with pytest.raises(Refused, match="withdrew consent"):
        open_series(participant=participant, role=CT, by=by)
    with pytest.raises(Refused, match="withdrew consent"):
        enter_reference(participant=participant, entries=[entry], source="surgery", by=by)


def test_removal_may_follow_where_only_collecting_was_stopped_first(study):
    participant = enrolled()
    pair = stored_pair(participant)
    files = files_of(pair)
    obeyed(withdrawn(participant, Scope.STOP_COLLECTING))
    row = obeyed(withdrawn(participant, Scope.REMOVE))
    assert row.status == WithdrawalStatus.CARRIED_OUT
    assert there(files) == 0
    with pytest.raises(Refused, match="recorded already"):
        withdrawn(participant, Scope.STOP_COLLECTING)


def test_a_file_that_somebody_elses_row_rests_on_too_stays(study):
    gone, other = stored_pair(enrolled()), stored_pair(enrolled())
    shared = other.series.first().preview_sha256
    row = obeyed(withdrawn(gone.participant))
    assert path_of(shared).exists()
    assert counts(row, Room.ARCHIVE)["files_of_others_kept"] == 1
    assert there(files_of(other)) == 6


def test_a_running_synthesis_is_stopped_and_waited_for_before_any_file_goes(study):
    participant = enrolled()
    pair = stored_pair(participant)
    files = files_of(pair)
    source = accepted_series(pair, CT)
    waiting = make.SynthesisJobFactory(pair=pair, source=source, seed=1)
    running = make.SynthesisJobFactory(pair=pair, source=source, seed=2, running=True)

    row = obeyed(withdrawn(participant))

    waiting.refresh_from_db()
    running.refresh_from_db()
    assert waiting.status == JobStatus.CANCELLED
    assert running.cancel_requested
    assert row.status == WithdrawalStatus.RECORDED
    assert "being stopped" in row.steps.get(room=Room.SYNTHESES).waits_for
    assert there(files) == 6

    type(running).objects.filter(pk=running.pk).update(status=JobStatus.CANCELLED)
    row = obeyed(row)
    assert row.status == WithdrawalStatus.CARRIED_OUT
    assert there(files) == 0
    assert counts(row, Room.SYNTHESES) == {"jobs_cancelled": 1, "jobs_stopped": 1}


def test_a_failed_synthesis_of_a_removed_pair_is_not_tried_again(study):
    participant = enrolled()
    pair = stored_pair(participant)
    job = make.SynthesisJobFactory(pair=pair, source=accepted_series(pair, CT), errored=True)
    obeyed(withdrawn(participant))
    job.refresh_from_db()
    with pytest.raises(Refused, match="excluded"):
        retry_job(job=job, by=person(Role.SYNTHESIS_OPERATOR))
    with pytest.raises(Refused, match="ended already"):
        cancel_job(job=job, by=person(Role.SYNTHESIS_OPERATOR))


def test_a_series_that_a_worker_checks_is_waited_for_and_one_that_nobody_has_goes(study):
    participant = enrolled()
    pair = make.ScanPairFactory(participant=participant, checking=True)
    held = make.ImagingSeriesFactory(
        pair=pair, received=True, lease_until=clock.now() + timedelta(minutes=5)
    )
    row = obeyed(withdrawn(participant))
    assert "being checked" in row.steps.get(room=Room.IMAGING).waits_for
    ImagingSeries.objects.filter(pk=held.pk).update(lease_until=None)
    row = obeyed(row)
    held.refresh_from_db()
    assert held.status == SeriesStatus.PURGED
    assert row.status == WithdrawalStatus.CARRIED_OUT


def test_what_a_killed_intake_had_stored_is_found_by_its_notes(study):
    participant = enrolled()
    pair = make.ScanPairFactory(participant=participant, checking=True)
    series = make.ImagingSeriesFactory(pair=pair, status=SeriesStatus.DEIDENTIFYING)
    orphan = store_bytes(b"a de-identified slice of a killed worker").sha256
    notes_of(series.pk).parent.mkdir(parents=True)
    notes_of(series.pk).write_text(f"{orphan}\n")
    obeyed(withdrawn(participant))
    assert not path_of(orphan).exists()
    assert not quarantine_of(series.pk).exists()


def test_a_worker_that_stores_after_the_withdrawal_gives_its_files_back(study):
    series = make.ImagingSeriesFactory(status=SeriesStatus.PURGED)
    slice_ = store_bytes(b"stored too late").sha256
    manifest = store_bytes(f'{{"files": [{{"sha256": "{slice_}"}}]}}'.encode()).sha256
    preview = store_bytes(b"picture made too late").sha256
    stored = intake_of_images._Stored(manifest, 1, 10, preview, {}, {}, None)
    intake_of_images._give_back(series, stored)
    assert there([slice_, manifest, preview]) == 0


def test_a_kill_between_the_rooms_and_the_files_loses_and_doubles_nothing(study, monkeypatch):
    participant = enrolled()
    pair = stored_pair(participant)
    files = files_of(pair)
    row = withdrawn(participant)

    def killed(sha256):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(participants_withdrawing.storage, "discard", killed)
        obeyed(row)
    assert there(files) == 6
    row.refresh_from_db()
    assert row.status == WithdrawalStatus.RECORDED

    row = obeyed(row)
    assert there(files) == 0
    assert counts(row, Room.IMAGING)["images_deleted"] == 6
    assert counts(row, Room.ARCHIVE)["files_deleted"] == 6 + 2 + 1  # slices, manifests, a picture


def test_a_room_that_breaks_holds_up_no_other_and_is_tried_again(study, caplog):
    participant = enrolled()
    stored_pair(participant)

    def broken(**_kwargs):
        raise RuntimeError

    row = withdrawn(participant)
    rooms = {**withdrawal.ROOMS, Room.CLINICAL: broken}
    row = carry_out(withdrawal=row, rooms=rooms, in_use=withdrawal.in_use)
    assert row.status == WithdrawalStatus.RECORDED
    assert "tried again" in row.steps.get(room=Room.CLINICAL).waits_for
    assert row.steps.get(room=Room.EXPORTS).done_at is not None
    assert "broke in clinical" in caplog.text
    assert obeyed(row).status == WithdrawalStatus.CARRIED_OUT


def test_carrying_out_twice_changes_nothing(study):
    row = obeyed(withdrawn(stored_pair(enrolled()).participant))
    first = list(row.steps.values_list("room", "counts", "done_at"))
    acts = AuditEvent.objects.count()
    row = obeyed(row)
    assert list(row.steps.values_list("room", "counts", "done_at")) == first
    assert AuditEvent.objects.count() == acts


def test_a_second_look_deletes_what_a_backup_or_a_slow_worker_brought_back(study):
    participant = enrolled()
    pair = stored_pair(participant)
    path = stored_paths(accepted_series(pair, CT).manifest_sha256)[0]
    content = path.read_bytes()
    row = obeyed(withdrawn(participant))
    store_bytes(content)
    manifest = pair.series.get(role=CT).manifest_sha256
    late = make.DerivedVolumeFactory(
        origin_sha256=manifest, sha256=store_bytes(b"a volume made too late").sha256
    )

    row = obeyed(row, again=True)

    assert row.status == WithdrawalStatus.CONFIRMED
    assert not path.exists()
    assert not path_of(late.sha256).exists()
    assert counts(row, Room.IMAGING)["volumes_removed"] == 1
    assert [h.target for h in history_of("withdrawal", row.pk)] == [
        "recorded", "carried_out", "confirmed",
    ]  # fmt: skip


def test_volumes_kept_under_former_entries_of_the_injection_are_found_too(study):
    series = make.ImagingSeriesFactory(role=PET, accepted=True)
    origins = {uptake_origin(series)}
    for number in (70.0, 71.5):
        with time_machine.travel(clock.now() + timedelta(minutes=len(origins)), tick=False):
            make.InjectionEntryFactory(series=series, number=number, entered_at=clock.now())
        origins.add(uptake_origin(series))
    assert len(origins) == 3
    assert uptake_origins(series) == origins


def test_data_queries_about_the_participant_are_closed_with_the_reason(study):
    participant = enrolled()
    mine = make.DataQueryFactory(site=participant.site, participant_code=participant.code)
    other = make.DataQueryFactory(site=participant.site, participant_code="SPH-99999")
    row = obeyed(withdrawn(participant, Scope.STOP_COLLECTING))
    mine.refresh_from_db()
    other.refresh_from_db()
    assert (mine.status, other.status) == (QueryStatus.CLOSED, QueryStatus.OPEN)
    assert "withdrew" in mine.messages.last().text
    assert counts(row, Room.QUERIES) == {"queries_closed": 1}


def test_a_frozen_cut_stays_and_new_runs_and_cuts_leave_the_removed_participant_out(study):
    kept = make.CutPairFactory()
    cut = kept.cut
    participant = kept.pair.participant
    cut.tables_sha256 = freeze_tables({participant.code}, development={}).sha256
    cut.save(update_fields=["tables_sha256"])
    make.MeasurementFactory(cut_pair=kept)
    make.ReferenceStandardFactory(participant=participant)
    make.ConsentFactory(participant=participant)
    before = clock.now()
    assert set(tables_of(cut).measurements["participant"]) == {participant.code}

    row = obeyed(withdrawn(participant))

    now, then = tables_of(cut), tables_of(cut, before=before)
    assert set(then.measurements["participant"]) == {participant.code}
    assert now.measurements.empty
    blank = now.participants.set_index("participant").loc[participant.code]
    assert blank["screened"]
    assert not blank["consented"]
    assert blank["sex"] == ""
    assert "data removed" in blank["exclusion_reason"]
    assert not every_reference().filter(participant=participant)
    assert removed_by_cut() == {cut.pk: 1}
    assert cut.name in " ".join(row.steps.get(room=Room.OUTCOMES).stays)
    kept.refresh_from_db()
    assert "data removed" in kept.fault


def test_nobody_downloads_an_archive_with_images_of_whoever_stopped(study):
    participant = enrolled()
    archive = store_bytes(b"PK an archive with images")
    export = make.ExportFactory(
        pairs=True, status=ExportStatus.READY, archive_sha256=archive.sha256,
        contents=[{"name": f"{participant.code}/", "files": 3}],
    )  # fmt: skip
    make.ExportDownloadFactory(export=export)
    row = obeyed(withdrawn(participant, Scope.STOP_COLLECTING))
    export.refresh_from_db()
    assert export.status == ExportStatus.EXPIRED
    assert not path_of(archive.sha256).exists()
    with pytest.raises(Refused, match="not ready"):
        download_export(export=export, by=person(Role.STATISTICIAN))
    assert "was downloaded by" in row.steps.get(room=Room.EXPORTS).stays[0]


def test_images_of_the_patient_in_the_inbox_go_with_the_link(study):
    participant = enrolled()
    binding = make.PatientBindingFactory(participant=participant)
    arrival = make.ArrivalFactory(site=participant.site, patient_key=binding.patient_key)
    folder = quarantine_of(arrival.pk)
    folder.mkdir(parents=True)
    (folder / ("a" * 64)).write_bytes(b"an image")
    row = obeyed(withdrawn(participant, Scope.STOP_COLLECTING))
    arrival.refresh_from_db()
    assert (arrival.status, arrival.patient_key) == ("discarded", "")
    assert not folder.exists()
    assert counts(row, Room.IMAGING) == {"arrivals_discarded": 1, "links_forgotten": 1}
    assert not any(step.doomed.get("ledger") for step in row.steps.all())


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"withdrawn_on": date(2030, 1, 1)}, "withdrawn_future"),
        ({"withdrawn_on": date(2025, 12, 31)}, "withdrawn_before_consent"),
        ({"recorded": frozenset({Scope.REMOVE})}, "withdrawn_already"),
        ({"recorded": frozenset({Scope.REMOVE}), "scope": Scope.STOP_COLLECTING}, "withdrawn_further"),
        ({"signed": None}, "no_consent"),
        ({"reason": "x" * 1001}, "reason_long"),
    ],
)  # fmt: skip
def test_a_withdrawal_that_cannot_be_is_refused_in_words(changes, told):
    today = date(2026, 3, 1)
    standing = Standing(
        "SPH-00001", changes.pop("signed", date(2026, 1, 10)), changes.pop("recorded", frozenset())
    )
    given = {"scope": Scope.REMOVE, "withdrawn_on": today, "reason": "", **changes}
    faults = withdrawal_faults(standing, today=today, **given)
    assert [fault.id for fault in faults] == [told]


def test_on_the_day_of_the_signature_consent_may_be_withdrawn(study):
    participant = enrolled()
    signed = Consent.objects.get(participant=participant).signed_on
    assert withdrawn(participant, withdrawn_on=signed).withdrawn_on == signed


def test_only_those_who_record_consent_record_its_withdrawal(study):
    participant = enrolled()
    for role in (Role.MONITOR, Role.DATA_MANAGER, Role.STUDY_PI):
        with pytest.raises(NotAllowed):
            record_withdrawal(
                participant=participant, scope=Scope.REMOVE, withdrawn_on=clock.today(),
                why=Why.NOT_SAID, note="", by=person(role),
            )  # fmt: skip
    assert not Withdrawal.objects.exists()


def test_the_sweeper_sends_what_is_unfinished_and_a_second_look_after_an_hour(
    study, monkeypatch, django_capture_on_commit_callbacks
):
    row = withdrawn(enrolled())
    done = make.WithdrawalFactory(carried_out=True)
    messages = []

    def send_task(name, args, queue, retry, expires=None):
        messages.append((name.rsplit(".", 1)[1], args[0]))

    monkeypatch.setattr(dispatch.app, "send_task", send_task)
    with django_capture_on_commit_callbacks(execute=True):
        sweep.sweep()
    assert messages == [("obey", str(row.pk)), ("confirm", str(done.pk))]


def test_the_task_obeys_and_may_run_twice(study, settings, tmp_path):
    settings.SPOOL_DIR = tmp_path / "spool"
    row = withdrawn(enrolled())
    for _ in range(2):
        withdrawal.obey(str(row.pk))
    row.refresh_from_db()
    assert row.status == WithdrawalStatus.CARRIED_OUT
    withdrawal.confirm(str(row.pk))
    row.refresh_from_db()
    assert row.status == WithdrawalStatus.CONFIRMED


def test_a_cut_that_is_frozen_later_knows_nothing_of_the_removed_participant(study, model_folder):
    with pytest.raises(Refused, match="No ready pair"):
        pair = stored_pair(enrolled())
        release = released(model_folder)
        make.SyntheticSeriesFactory(
            job__pair=pair, job__source=accepted_series(pair, CT), job__release=release
        )
        obeyed(withdrawn(pair.participant))
        freeze_cut(
            name="later", release=release, plan_text=quick_plan(), by=person(Role.STATISTICIAN)
        )


@pytest.mark.parametrize("name", ["../archive", "archive/x", "quarantine/../x", "work/", "x"])
def test_no_folder_outside_quarantine_and_work_can_be_removed(name):
    Path(live.ARCHIVE_DIR).mkdir(parents=True, exist_ok=True)
    with pytest.raises(ValueError, match="quarantine"):
        storage.remove_folder(name)
