"""Attempts at a synthesis: claims, leases, cancels, retries; no worker is needed."""

import threading
import uuid
from datetime import timedelta

import pytest
import time_machine
from django.db import connection

from studyportal.core import clock
from studyportal.core.database.scope import over_every_site
from studyportal.core.errors import Refused, StaleState
from studyportal.sites.rules import Role
from studyportal.syntheses.models import JobAttempt, SynthesisJob, SyntheticSeries
from studyportal.syntheses.selectors import (
    lost_jobs,
    queue_position,
    waiting_jobs,
)
from studyportal.syntheses.services import (
    attempts,
    cancel_job,
    claim_job,
    heartbeat,
    record_result,
    requeue_lost,
    retry_job,
    wants_to_stop,
)
from studyportal.syntheses.states import AttemptOutcome, JobStatus
from synthesis.contract import TranslationResult
from tests.factories import SynthesisJobFactory
from tests.portal.scenes import person

pytestmark = pytest.mark.django_db


def operator():
    return person(Role.SYNTHESIS_OPERATOR)


def a_job(**changes) -> SynthesisJob:
    return SynthesisJobFactory(**changes)


def errored(job: SynthesisJob) -> TranslationResult:
    return TranslationResult(job_id=str(job.pk), status="errored", reason="It broke.")


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

    @over_every_site("a worker beside the test")
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
