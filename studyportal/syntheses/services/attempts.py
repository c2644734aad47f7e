"""What workers report. Every write is conditional on the fencing token, so a slow worker cannot overwrite a newer one."""

import hashlib
import json
import uuid
from datetime import timedelta
from pathlib import Path

import numpy as np
from django.conf import settings
from django.db import transaction

from evaluation.imaging import Series, read_series
from studyportal.core import clock
from studyportal.core.errors import Reason, StaleState
from studyportal.core.services import advance, begin, record
from studyportal.core.storage import store_bytes, store_file
from studyportal.imaging.services import preview_of_volume
from studyportal.syntheses.models import JobAttempt, SynthesisJob, SyntheticSeries
from studyportal.syntheses.rules import SyntheticFacts, quality_faults
from studyportal.syntheses.selectors import lost_jobs
from studyportal.syntheses.states import (
    SYNTHESIS_JOB,
    SYNTHETIC_SERIES,
    AttemptOutcome,
    JobStatus,
    SyntheticStatus,
)
from synthesis.contract import TranslationResult


@transaction.atomic
def claim_job(*, job_id: uuid.UUID) -> SynthesisJob | None:
    """The job runs under a fresh token, or None when it no longer waits."""
    job = (
        SynthesisJob.objects.select_for_update(of=("self",), skip_locked=True)
        .filter(pk=job_id, status=JobStatus.QUEUED)
        .first()
    )
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
        lease_until=_lease(),
        stage="starting",
        steps_done=0,
        steps_total=0,
        reason="",
    )
    number = JobAttempt.objects.filter(job=job).count() + 1
    JobAttempt.objects.create(job=job, number=number, token=token, began_at=clock.now())
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


def record_result(*, job: SynthesisJob, result: TranslationResult) -> SynthesisJob:
    """The job has ended as the result says; a succeeded one has its series stored and checked."""
    if result.status == "succeeded":
        return _succeed(job, result)
    if result.status == "refused":
        return _end(job, JobStatus.REFUSED, AttemptOutcome.REFUSED, result.reason)
    if result.status == "cancelled":
        return _end(
            job,
            JobStatus.CANCELLED,
            AttemptOutcome.CANCELLED,
            "Cancelled while it ran; nothing was kept.",
        )
    return _end_or_requeue(job, AttemptOutcome.ERRORED, result.reason)


def requeue_lost() -> list[SynthesisJob]:
    """Jobs whose worker has died wait again, or are errored when their attempts are used up."""
    moved = []
    for job in lost_jobs(clock.now()):
        try:
            moved.append(
                _end_or_requeue(job, AttemptOutcome.LOST, "The worker stopped without a word.")
            )
        except StaleState:  # it spoke up in the meantime
            continue
    return moved


def _lease() -> object:
    return clock.now() + timedelta(seconds=settings.SYNTHESIS_LEASE_SECONDS)


def _succeed(job: SynthesisJob, result: TranslationResult) -> SynthesisJob:
    paths = [Path(entry.path) for entry in result.files]
    stored = [store_file(path) for path in paths]
    read = read_series(paths, allow_synthetic=True)
    volume = read.suv_volume()
    faults = quality_faults(_facts(job, read, volume.array))
    preview = store_bytes(preview_of_volume(volume, pet=True)).sha256
    entries = [{"sha256": entry.sha256, "bytes": entry.size} for entry in stored]
    manifest = store_bytes(json.dumps({"files": entries}, indent=1, sort_keys=True).encode())
    combined = hashlib.sha256("\n".join(entry.sha256 for entry in stored).encode()).hexdigest()
    with transaction.atomic():
        _close_attempt(job, AttemptOutcome.SUCCEEDED, "")
        _owned(job)
        advance(
            job,
            SYNTHESIS_JOB,
            JobStatus.SUCCEEDED,
            by=None,
            ended_at=clock.now(),
            device=result.device,
            stage="done",
        )
        series = SyntheticSeries.objects.create(
            job=job,
            status=SyntheticStatus.PRODUCED,
            series_uid=result.series_uid,
            manifest_sha256=manifest.sha256,
            series_sha256=combined,
            stored_files=len(stored),
            stored_bytes=sum(entry.size for entry in stored),
            preview_sha256=preview,
            produced_at=clock.now(),
            faults=[str(fault) for fault in faults],
            facts={
                "seconds": dict(result.seconds),
                "software": dict(result.versions),
                "suv_max": float(volume.array.max()),
                "release_digest": result.release_sha256,
            },
        )
        begin(series, SYNTHETIC_SERIES, by=None)
        target = SyntheticStatus.QC_FAILED if faults else SyntheticStatus.QC_PASSED
        advance(
            series,
            SYNTHETIC_SERIES,
            target,
            by=None,
            reason=" ".join(str(fault) for fault in faults),
        )
        participant = job.pair.participant
        record(
            "record_result",
            job,
            f"A synthetic PET of {participant.code} was made; automatic checks: {target.replace('_', ' ')}.",
            by=None,
            site_code=participant.site.code,
        )
    return job


def _facts(job: SynthesisJob, read: Series, array: np.ndarray) -> SyntheticFacts:
    low, high = read.facts.z_range_mm
    source_low, source_high = job.source.summary["z_range_mm"]
    return SyntheticFacts(
        marked_synthetic=bool(read.facts.synthetic_marks),
        frame_of_reference_uid=read.facts.frame_of_reference_uid,
        source_frame_of_reference_uid=job.source.summary["frame_of_reference_uid"],
        slices=read.facts.slices,
        finite=bool(np.isfinite(array).all()),
        suv_min=float(array.min()),
        suv_max=float(array.max()),
        z_extent_mm=high - low,
        source_z_extent_mm=source_high - source_low,
    )


def _owned(job: SynthesisJob) -> None:
    """Refuse to write for an attempt that was taken over."""
    if (
        not SynthesisJob.objects.select_for_update()
        .filter(pk=job.pk, token=job.token, status=JobStatus.RUNNING)
        .exists()
    ):
        raise StaleState(Reason("fenced", "Another attempt has taken this job over."))


def _close_attempt(job: SynthesisJob, outcome: AttemptOutcome, reason: str) -> None:
    running = JobAttempt.objects.filter(job=job, ended_at=None)
    running.filter(token=str(job.token)).update(
        ended_at=clock.now(), outcome=outcome, reason=reason
    )


@transaction.atomic
def _end(
    job: SynthesisJob, status: JobStatus, outcome: AttemptOutcome, reason: str
) -> SynthesisJob:
    _close_attempt(job, outcome, reason)
    _owned(job)
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
def _end_or_requeue(job: SynthesisJob, outcome: AttemptOutcome, reason: str) -> SynthesisJob:
    _owned(job)
    # A worker holds the row as it was when it began, and a person may have cancelled since.
    job.refresh_from_db(fields=("cancel_requested", "attempts"))
    if job.cancel_requested:
        return _end(job, JobStatus.CANCELLED, outcome, f"Cancelled while it ran. {reason}")
    if job.attempts >= settings.SYNTHESIS_MAX_ATTEMPTS:
        return _end(job, JobStatus.ERRORED, outcome, reason)
    _close_attempt(job, outcome, reason)
    advance(
        job,
        SYNTHESIS_JOB,
        JobStatus.QUEUED,
        by=None,
        reason=reason,
        lease_until=None,
        stage="waiting to be tried again",
    )
    return job
