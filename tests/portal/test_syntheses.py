"""Releases, requests and attempts; the queue is rows, so it is tested without any worker."""

import shutil
import threading
import uuid
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from studyportal.core import clock
from studyportal.core.errors import NotAllowed, Refused, StaleState
from studyportal.core.selectors import acts_on, history_of
from studyportal.imaging.services import exclude_pair
from studyportal.sites.rules import PERMISSIONS, Action, Role
from studyportal.syntheses.models import JobAttempt, ModelRelease, SynthesisJob, SyntheticSeries
from studyportal.syntheses.rules import SUV_CEILING, SyntheticFacts, quality_faults
from studyportal.syntheses.selectors import (
    current_release,
    folder_of,
    job_for,
    lost_jobs,
    queue_position,
    waiting_jobs,
)
from studyportal.syntheses.services import (
    attempts,
    cancel_job,
    claim_job,
    heartbeat,
    move_release,
    record_result,
    register_release,
    request_synthesis,
    requeue_lost,
    retry_job,
    wants_to_stop,
)
from studyportal.syntheses.states import AttemptOutcome, JobStatus, ReleaseStatus
from synthesis.contract import TranslationResult
from tests.factories import ModelReleaseFactory, ScanPairFactory, SynthesisJobFactory
from tests.portal.scenes import person, ready_pair, released, site

pytestmark = pytest.mark.django_db


def operator():
    return person(Role.SYNTHESIS_OPERATOR)


def a_job(**changes) -> SynthesisJob:
    return SynthesisJobFactory(**changes)


def errored(job: SynthesisJob) -> TranslationResult:
    return TranslationResult(job_id=str(job.pk), status="errored", reason="It broke.")


# releases


def test_a_release_is_registered_with_what_its_folder_says(study, model_folder):
    release = register_release(folder=model_folder, by=operator())

    assert (release.name, release.status) == ("untrained", ReleaseStatus.CANDIDATE)
    assert (release.card, len(release.digest)) == ("# untrained\n", 64)
    assert folder_of(release) == model_folder.resolve()


def test_the_same_release_again_is_the_same_row(study, model_folder):
    rows = [register_release(folder=model_folder, by=operator()) for _ in range(2)]
    assert rows[0].pk == rows[1].pk
    assert history_of("model release", rows[0].pk).count() == 1


def test_tampered_weights_are_refused_by_name(study, model_folder, tmp_path):
    copy = tmp_path / "tampered"
    shutil.copytree(model_folder, copy)
    weights = bytearray((copy / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copy / "model.safetensors").write_bytes(bytes(weights))
    with pytest.raises(Refused, match=r"model\.safetensors of tampered was changed"):
        register_release(folder=copy, by=operator())
    assert not ModelRelease.objects.exists()


def test_a_folder_that_is_no_release_is_refused(study, tmp_path):
    with pytest.raises(Refused, match="is no release"):
        register_release(folder=tmp_path, by=operator())


def test_other_content_under_the_same_version_is_refused(study, model_folder, tmp_path):
    from tests.synthesis.makers import untrained_release

    register_release(folder=model_folder, by=operator())
    untrained_release(tmp_path / "other", seed=2)
    with pytest.raises(Refused, match="registered already with other content"):
        register_release(folder=tmp_path / "other", by=operator())


def test_a_release_is_validated_before_it_is_released(study):
    release = ModelReleaseFactory(candidate=True)
    with pytest.raises(Refused, match="candidate cannot become released"):
        move_release(release=release, target=ReleaseStatus.RELEASED, reason="now", by=operator())
    assert current_release() is None
    for target in (ReleaseStatus.VALIDATED, ReleaseStatus.RELEASED):
        move_release(release=release, target=target, reason="checked", by=operator())
    assert current_release() == release


def test_a_release_moves_for_a_reason(study):
    with pytest.raises(Refused, match="Say why"):
        move_release(
            release=ModelReleaseFactory(candidate=True),
            target=ReleaseStatus.VALIDATED,
            reason=" ",
            by=operator(),
        )


@pytest.mark.parametrize("role", [r for r in Role if Action.REGISTER_RELEASE not in PERMISSIONS[r]])
def test_only_the_operator_registers_and_moves_releases(study, role, model_folder):
    by = person(role)
    with pytest.raises(NotAllowed):
        register_release(folder=model_folder, by=by)
    with pytest.raises(NotAllowed):
        move_release(release=ModelReleaseFactory(), target=ReleaseStatus.RETIRED, reason="x", by=by)


# requests


@pytest.mark.django_db(transaction=True)
def test_a_request_is_one_job_per_source_release_and_seed(study, phantom, model_folder):
    pair, release = ready_pair(phantom()), released(model_folder)
    ask = {"pair": pair, "release": release, "by": operator()}
    jobs = [request_synthesis(seed=seed, **ask) for seed in (0, 0, 1)]

    assert jobs[0].pk == jobs[1].pk != jobs[2].pk
    assert acts_on("synthesisjob", jobs[0].pk).count() == 1
    assert [queue_position(job) for job in (jobs[0], jobs[2])] == [1, 2]
    exclude_pair(pair=pair, reason="wrong examination", by=person(Role.DATA_MANAGER))
    with pytest.raises(Refused, match="is not ready"):
        request_synthesis(seed=2, **ask)


@pytest.mark.parametrize("trait", ["checking", "query_open", "excluded"])
def test_a_pair_that_is_not_ready_is_not_synthesised(study, trait):
    pair = ScanPairFactory(**{trait: True})
    with pytest.raises(Refused, match="is not ready"):
        request_synthesis(pair=pair, release=ModelReleaseFactory(), seed=0, by=operator())


@pytest.mark.parametrize("trait", ["candidate", "validated", "retired"])
def test_a_model_that_is_not_released_is_not_used(study, trait):
    pair = ScanPairFactory(ready=True, complete=True)
    release = ModelReleaseFactory(**{trait: True})
    with pytest.raises(Refused, match="only a released model"):
        request_synthesis(pair=pair, release=release, seed=0, by=operator())


@pytest.mark.parametrize("seed", [-1, 2**31])
def test_a_seed_that_cannot_be_kept_is_refused_in_words(study, seed):
    pair = ScanPairFactory(ready=True, complete=True)
    with pytest.raises(Refused, match="seed"):
        request_synthesis(pair=pair, release=ModelReleaseFactory(), seed=seed, by=operator())


@pytest.mark.parametrize(
    "role", [r for r in Role if Action.REQUEST_SYNTHESIS not in PERMISSIONS[r]]
)
def test_only_the_operator_requests_cancels_and_retries(study, role):
    by, job = person(role), a_job()
    with pytest.raises(NotAllowed):
        request_synthesis(pair=job.pair, release=job.release, seed=1, by=by)
    with pytest.raises(NotAllowed):
        cancel_job(job=job, by=by)
    with pytest.raises(NotAllowed):
        retry_job(job=a_job(errored=True), by=by)


def test_a_coordinator_sees_the_jobs_of_the_own_site_only(study):
    own, other = (
        a_job(pair__participant__site=site("SPH")),
        a_job(pair__participant__site=site("SEH")),
    )
    by = person(Role.COORDINATOR)
    assert job_for(by, own.pk) == own
    assert job_for(by, other.pk) is None


# claims and leases


def test_a_claimed_job_runs_under_a_token_and_its_first_attempt(study):
    job = claim_job(job_id=a_job().pk)

    assert (job.status, job.attempts) == (JobStatus.RUNNING, 1)
    assert JobAttempt.objects.get(job=job).token == job.token
    assert queue_position(job) is None


@pytest.mark.parametrize("trait", ["running", "succeeded", "refused", "errored", "cancelled"])
def test_a_job_that_does_not_wait_is_not_claimed(study, trait):
    assert claim_job(job_id=a_job(**{trait: True}).pk) is None


def test_a_job_that_does_not_exist_is_not_claimed(study):
    assert claim_job(job_id=uuid.uuid4()) is None


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_exactly_one_claims_a_job():
    job, claimed = a_job(), []
    start = threading.Barrier(4)

    def worker():
        start.wait()
        claimed.append(claim_job(job_id=job.pk))
        connection.close()

    threads = [threading.Thread(target=worker) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len([found for found in claimed if found is not None]) == 1
    assert JobAttempt.objects.filter(job=job).count() == 1


def test_a_heartbeat_renews_the_lease_and_shows_progress(study):
    with time_machine.travel("2026-03-01T00:00:00Z", tick=False):
        job = claim_job(job_id=a_job().pk)
    with time_machine.travel("2026-03-01T00:00:50Z", tick=False):
        assert heartbeat(job=job, stage="translating", done=3, total=8)
        job.refresh_from_db()
        assert job.lease_until - clock.now() == timedelta(seconds=60)
    assert (job.stage, job.steps_done, job.steps_total) == ("translating", 3, 8)


def test_a_job_whose_worker_fell_silent_waits_again_and_not_before(study):
    with time_machine.travel("2026-03-01T00:00:00Z", tick=False):
        job = claim_job(job_id=a_job().pk)
    with time_machine.travel("2026-03-01T00:00:59Z", tick=False):
        assert requeue_lost() == []
    with time_machine.travel("2026-03-01T00:01:01Z", tick=False):
        assert requeue_lost() == [job]
    attempt = JobAttempt.objects.get(job=job)

    assert list(waiting_jobs()) == [job]
    assert (attempt.outcome, attempt.ended_at is not None) == (AttemptOutcome.LOST, True)


def test_a_job_is_errored_when_its_attempts_are_used_up(study, settings):
    settings.SYNTHESIS_MAX_ATTEMPTS = 2
    job = a_job()
    for _ in range(2):
        with time_machine.travel("2026-03-01T00:00:00Z", tick=False):
            claim_job(job_id=job.pk)
        with time_machine.travel("2026-03-01T00:05:00Z", tick=False):
            requeue_lost()
    job.refresh_from_db()

    assert (job.status, job.attempts) == (JobStatus.ERRORED, 2)
    assert job.reason == "The worker stopped without a word."
    assert claim_job(job_id=job.pk) is None


def test_a_lost_job_that_spoke_up_meanwhile_does_not_keep_the_others_waiting(study, monkeypatch):
    with time_machine.travel("2026-03-01T00:00:00Z", tick=False):
        jobs = [claim_job(job_id=a_job().pk) for _ in range(2)]
    with time_machine.travel("2026-03-01T00:05:00Z", tick=False):
        found = list(lost_jobs(clock.now()))
        record_result(job=jobs[0], result=errored(jobs[0]))
        monkeypatch.setattr(attempts, "lost_jobs", lambda _moment: found)  # read before the word
        assert requeue_lost() == [jobs[1]]


def test_an_attempt_that_was_taken_over_cannot_write(study):
    with time_machine.travel("2026-03-01T00:00:00Z", tick=False):
        slow = claim_job(job_id=a_job().pk)
    with time_machine.travel("2026-03-01T00:05:00Z", tick=False):
        requeue_lost()
        claim_job(job_id=slow.pk)
    for status in ("errored", "refused", "cancelled"):
        with pytest.raises(StaleState):
            record_result(
                job=slow, result=TranslationResult(job_id="x", status=status, reason="late")
            )

    assert not heartbeat(job=slow, stage="late", done=1, total=1)
    assert wants_to_stop(job=slow)
    kept = SynthesisJob.objects.get(pk=slow.pk)
    assert (kept.status, kept.stage, kept.reason) == (JobStatus.RUNNING, "starting", "")
    assert [a.outcome for a in JobAttempt.objects.filter(job=slow)] == [AttemptOutcome.LOST, ""]


def test_an_attempt_that_broke_waits_again_until_none_is_left(study):
    job = a_job()
    for left in (True, True, False):
        claimed = claim_job(job_id=job.pk)
        record_result(job=claimed, result=errored(claimed))
        job.refresh_from_db()
        assert (job.status == JobStatus.QUEUED) == left
    assert (job.status, job.reason) == (JobStatus.ERRORED, "It broke.")
    assert set(job.attempt_rows.values_list("outcome", flat=True)) == {AttemptOutcome.ERRORED}


def test_work_that_said_no_is_not_tried_again(study):
    job = claim_job(job_id=a_job().pk)
    said = TranslationResult(job_id=str(job.pk), status="refused", reason="The CT is too short.")
    record_result(job=job, result=said)
    job.refresh_from_db()

    assert (job.status, job.reason) == (JobStatus.REFUSED, "The CT is too short.")
    assert not SyntheticSeries.objects.exists()


# cancel and retry


def test_a_waiting_job_is_cancelled_at_once(study):
    job = cancel_job(job=a_job(), by=operator())
    assert job.status == JobStatus.CANCELLED
    assert job.ended_at is not None
    assert claim_job(job_id=job.pk) is None


def test_a_running_job_is_told_to_stop(study):
    job = claim_job(job_id=a_job().pk)
    assert not wants_to_stop(job=job)
    cancel_job(job=job, by=operator())
    assert wants_to_stop(job=job)
    assert SynthesisJob.objects.get(pk=job.pk).status == JobStatus.RUNNING


def test_a_cancelled_job_whose_worker_dies_is_cancelled_and_has_an_end(study):
    with time_machine.travel("2026-03-01T00:00:00Z", tick=False):
        job = claim_job(job_id=a_job().pk)
    cancel_job(job=job, by=operator())
    with time_machine.travel("2026-03-01T00:05:00Z", tick=False):
        requeue_lost()
    job.refresh_from_db()
    assert (job.status, job.ended_at is not None) == (JobStatus.CANCELLED, True)


def test_a_job_cancelled_while_its_attempt_breaks_is_cancelled_and_not_tried_again(study):
    job = claim_job(job_id=a_job().pk)
    cancel_job(job=job, by=operator())
    record_result(job=job, result=errored(job))
    job.refresh_from_db()
    assert job.status == JobStatus.CANCELLED


def test_a_job_cancelled_in_its_last_attempt_is_cancelled_and_not_errored(study, settings):
    settings.SYNTHESIS_MAX_ATTEMPTS = 1
    job = claim_job(job_id=a_job().pk)
    cancel_job(job=job, by=operator())
    record_result(job=job, result=errored(job))
    job.refresh_from_db()
    assert job.status == JobStatus.CANCELLED


@pytest.mark.parametrize("trait", ["succeeded", "refused", "errored", "cancelled"])
def test_a_job_that_has_ended_cannot_be_cancelled(study, trait):
    with pytest.raises(Refused, match="ended already"):
        cancel_job(job=a_job(**{trait: True}), by=operator())


def test_an_errored_job_waits_again_with_all_its_attempts(study):
    job = retry_job(job=a_job(errored=True), by=operator())
    job.refresh_from_db()
    assert (job.status, job.attempts, job.ended_at) == (JobStatus.QUEUED, 0, None)


def test_a_job_that_is_tried_again_no_longer_shows_why_it_broke(study):
    job = retry_job(job=a_job(errored=True), by=operator())
    job = claim_job(job_id=job.pk)
    job.refresh_from_db()
    assert job.reason == ""


@pytest.mark.parametrize("trait", ["succeeded", "refused", "cancelled", "running"])
def test_only_an_errored_job_is_tried_again(study, trait):
    with pytest.raises(Refused, match="only an errored one"):
        retry_job(job=a_job(**{trait: True}), by=operator())


# checks of the result

GOOD = {
    "marked_synthetic": True,
    "frame_of_reference_uid": "1.2",
    "source_frame_of_reference_uid": "1.2",
    "slices": 10,
    "finite": True,
    "suv_min": 0.0,
    "suv_max": 12.0,
    "z_extent_mm": 250.0,
    "source_z_extent_mm": 250.0,
}


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({}, []),
        ({"suv_max": SUV_CEILING}, []),
        ({"z_extent_mm": 260.0}, []),
        ({"marked_synthetic": False}, ["not_marked"]),
        ({"frame_of_reference_uid": "1.3"}, ["frame_of_reference"]),
        ({"finite": False}, ["not_finite"]),
        ({"suv_min": -0.01}, ["negative"]),
        ({"suv_max": SUV_CEILING + 0.1}, ["ceiling"]),
        ({"suv_max": 0.0}, ["empty"]),
        ({"z_extent_mm": 260.1}, ["coverage"]),
        ({"marked_synthetic": False, "suv_max": 0.0}, ["not_marked", "empty"]),
    ],
)
def test_each_check_of_a_synthetic_series_speaks_for_itself(changes, faults):
    assert [fault.id for fault in quality_faults(SyntheticFacts(**{**GOOD, **changes}))] == faults


@given(st.floats(0, SUV_CEILING, exclude_min=True), st.floats(-10, 10))
def test_nothing_within_the_limits_is_held_against_a_series(largest, shift):
    facts = SyntheticFacts(**{**GOOD, "suv_max": largest, "z_extent_mm": 250 + shift})
    assert quality_faults(facts) == ()
