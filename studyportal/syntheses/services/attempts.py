"""What workers report. Every write is conditional on the fencing token, so a slow worker cannot overwrite a newer one."""

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from studyportal.core import clock
from studyportal.core.errors import Reason, StaleState
from studyportal.core.services import advance, record
from studyportal.syntheses.models import JobAttempt, SynthesisJob
from studyportal.syntheses.rules import backoff_seconds
from studyportal.syntheses.selectors import due_jobs, lost_jobs
from studyportal.syntheses.states import SYNTHESIS_JOB, AttemptCause, AttemptOutcome, JobStatus

LOST = "The worker stopped without a word."


def claim_job(*, job_id: uuid.UUID, device: str = "") -> SynthesisJob | None:
    """The job runs on this device under a fresh token, or None when it no longer waits."""
    return _claim(SynthesisJob.objects.filter(pk=job_id, status=JobStatus.QUEUED), device=device)


def claim_next(*, device: str) -> SynthesisJob | None:
    """The job that has waited longest runs on this device, or None when none may begin now."""
    return _claim(due_jobs(clock.now()), device=device)


@transaction.atomic
def _claim(waiting: QuerySet[SynthesisJob], *, device: str) -> SynthesisJob | None:
    job = waiting.select_for_update(of=("self",), skip_locked=True).first()
    if job is None:
        return None
    token = uuid.uuid4()
    advance(
        job,
        SYNTHESIS_JOB,
        JobStatus.RUNNING,
        by=None,
        token=token,
        attempts=job.attempts + 1,
        started_at=clock.now(),
        ended_at=None,
        not_before=None,
        lease_until=_lease(),
        device=device,
        stage="starting",
        steps_done=0,
        steps_total=0,
        reason="",
    )
    number = JobAttempt.objects.filter(job=job).count() + 1
    JobAttempt.objects.create(
        job=job, number=number, token=token, began_at=clock.now(), device=device
    )
    return job


def heartbeat(*, job: SynthesisJob, stage: str, done: int, total: int) -> bool:
    """The lease is renewed and progress is shown; False when this attempt no longer owns the job."""
    rows = SynthesisJob.objects.filter(pk=job.pk, token=job.token, status=JobStatus.RUNNING)
    return rows.update(lease_until=_lease(), stage=stage, steps_done=done, steps_total=total) == 1


def wants_to_stop(*, job: SynthesisJob) -> bool:
    """Whether a person cancelled the job or another attempt took it over."""
    row = (
        SynthesisJob.objects.filter(pk=job.pk).values("cancel_requested", "token", "status").first()
    )
    return (
        row is None
        or row["cancel_requested"]
        or row["token"] != job.token
        or row["status"] != JobStatus.RUNNING
    )


def requeue_lost() -> list[SynthesisJob]:
    """Jobs whose worker has died wait again, or are errored when their attempts are used up."""
    moved = [requeue_orphan(job=job) for job in lost_jobs(clock.now())]
    return [job for job in moved if job is not None]


def requeue_orphan(*, job: SynthesisJob) -> SynthesisJob | None:
    """The job of a dead worker waits again, or is errored; None when it has ended or moved on meanwhile."""
    try:
        return end_or_requeue(job, AttemptCause.WORKER_LOST, LOST)
    except StaleState:
        return None


def _lease() -> datetime:
    return clock.now() + timedelta(seconds=settings.SYNTHESIS_LEASE_SECONDS)


def own(job: SynthesisJob) -> SynthesisJob:
    """The row as it is now, locked to the end of the transaction.

    Raises
    ------
    StaleState
        When another attempt has taken the job over.
    """
    row = (
        SynthesisJob.objects.select_for_update()
        .filter(pk=job.pk, token=job.token, status=JobStatus.RUNNING)
        .first()
    )
    if row is None:
        raise StaleState(Reason("fenced", "Another attempt has taken this job over."))
    return row


def close_attempt(
    job: SynthesisJob, outcome: AttemptOutcome, reason: str = "", *, cause: str = ""
) -> None:
    """The attempt of this token has ended."""
    running = JobAttempt.objects.filter(job=job, ended_at=None)
    running.filter(token=str(job.token)).update(
        ended_at=clock.now(), outcome=outcome, reason=reason, cause=cause
    )


@transaction.atomic
def end_job(
    job: SynthesisJob,
    status: JobStatus,
    outcome: AttemptOutcome,
    reason: str,
    *,
    cause: str = "",
) -> SynthesisJob:
    """The job has ended without a series."""
    own(job)
    close_attempt(job, outcome, reason, cause=cause)
    advance(job, SYNTHESIS_JOB, status, by=None, reason=reason, ended_at=clock.now())
    participant = job.pair.participant
    record(
        "end_job",
        job,
        f"The synthesis for {participant.code} ended: {status}.",
        by=None,
        site_code=participant.site.code,
        reason=reason,
    )
    return job


@transaction.atomic
def end_or_requeue(job: SynthesisJob, cause: AttemptCause, reason: str) -> SynthesisJob:
    """The attempt broke: the job waits to be tried again, or is errored when it was the last one."""
    # A worker holds the row as it was when it began, and a person may have cancelled since.
    now = own(job)
    job.attempts, job.cancel_requested = now.attempts, now.cancel_requested
    lost = cause == AttemptCause.WORKER_LOST
    outcome = AttemptOutcome.LOST if lost else AttemptOutcome.ERRORED
    if job.cancel_requested:
        said = f"Cancelled while it ran. {reason}"
        return end_job(job, JobStatus.CANCELLED, outcome, said, cause=cause)
    if job.attempts >= settings.SYNTHESIS_MAX_ATTEMPTS:
        return end_job(job, JobStatus.ERRORED, outcome, reason, cause=cause)
    close_attempt(job, outcome, reason, cause=cause)
    wait = backoff_seconds(cause, failed=job.attempts)
    advance(
        job,
        SYNTHESIS_JOB,
        JobStatus.QUEUED,
        by=None,
        reason=reason,
        lease_until=None,
        not_before=clock.now() + timedelta(seconds=wait) if wait else None,
        stage="waiting to be tried again",
    )
    return job
