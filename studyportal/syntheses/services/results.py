"""What became of a job: the series is read back, checked and stored, or the reason is kept."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.db import transaction

from evaluation.imaging import Series, read_series
from studyportal.core import clock
from studyportal.core.services import advance, begin, record
from studyportal.core.storage import StoredFile, store_bytes, store_files
from studyportal.imaging.services import preview_of_volume
from studyportal.syntheses.models import SynthesisJob, SyntheticSeries
from studyportal.syntheses.rules import SyntheticFacts, quality_faults
from studyportal.syntheses.services.attempts import close_attempt, end_job, end_or_requeue, own
from studyportal.syntheses.states import (
    SYNTHESIS_JOB,
    SYNTHETIC_SERIES,
    AttemptCause,
    AttemptOutcome,
    JobStatus,
    SyntheticStatus,
)
from synthesis.contract import TranslationResult

CANCELLED = "Cancelled while it ran; nothing was kept."
# What a worker or the model calls the end of an attempt; everything else is simply broken.
_CAUSES = {
    "out_of_memory": AttemptCause.OUT_OF_MEMORY,
    "memory": AttemptCause.OUT_OF_MEMORY,  # also with its smallest batches
    "killed": AttemptCause.KILLED,
    "time_limit": AttemptCause.TIME_LIMIT,
    "no_cuda": AttemptCause.NO_DEVICE,
}


def record_result(*, job: SynthesisJob, result: TranslationResult) -> SynthesisJob:
    """The job has ended as the result says; a succeeded one has its series stored and checked.

    A device that is missing is a fault of the worker and not of the CT, so it is tried again.

    Raises
    ------
    StaleState
        When another attempt has taken the job over; nothing was stored.
    """
    if result.status == "succeeded":
        return _succeed(job, result)
    if result.status == "cancelled":
        return end_job(job, JobStatus.CANCELLED, AttemptOutcome.CANCELLED, CANCELLED)
    if result.status == "refused" and result.reason_id not in _CAUSES:
        return end_job(job, JobStatus.REFUSED, AttemptOutcome.REFUSED, result.reason)
    cause = _CAUSES.get(result.reason_id, AttemptCause.BROKE)
    return end_or_requeue(job, cause, result.reason)


@dataclass(frozen=True)
class _Checked:
    """A series as it was read back from the files of the result."""

    paths: list[Path]
    faults: list[str]
    preview: bytes
    suv_max: float


def _succeed(job: SynthesisJob, result: TranslationResult) -> SynthesisJob:
    checked = _read_back(job, result)
    # The row is locked before a file is stored: a person who cancels comes before, and nothing is kept,
    # or after, and is told that the job has ended. An attempt that was taken over stores nothing.
    with transaction.atomic():
        if own(job).cancel_requested:
            return end_job(job, JobStatus.CANCELLED, AttemptOutcome.CANCELLED, CANCELLED)
        close_attempt(job, AttemptOutcome.SUCCEEDED)
        advance(
            job,
            SYNTHESIS_JOB,
            JobStatus.SUCCEEDED,
            by=None,
            ended_at=clock.now(),
            device=job.device or result.device,
            stage="done",
        )
        series = _store(job, result, checked)
        target = SyntheticStatus.QC_FAILED if checked.faults else SyntheticStatus.QC_PASSED
        advance(series, SYNTHETIC_SERIES, target, by=None, reason=" ".join(checked.faults))
        participant = job.pair.participant
        checks = target.replace("_", " ")
        record(
            "record_result",
            job,
            f"A synthetic PET of {participant.code} was made; automatic checks: {checks}.",
            by=None,
            site_code=participant.site.code,
        )
    return job


def _read_back(job: SynthesisJob, result: TranslationResult) -> _Checked:
    paths = [Path(entry.path) for entry in result.files]
    read = read_series(paths, allow_synthetic=True)
    volume = read.suv_volume()
    return _Checked(
        paths=paths,
        faults=[str(fault) for fault in quality_faults(_facts(job, read, volume.array))],
        preview=preview_of_volume(volume, pet=True),
        suv_max=float(volume.array.max()),
    )


def _store(job: SynthesisJob, result: TranslationResult, checked: _Checked) -> SyntheticSeries:
    stored = store_files(checked.paths)
    series = SyntheticSeries.objects.create(
        job=job,
        status=SyntheticStatus.PRODUCED,
        series_uid=result.series_uid,
        manifest_sha256=_manifest(stored).sha256,
        series_sha256=hashlib.sha256(
            "\n".join(entry.sha256 for entry in stored).encode()
        ).hexdigest(),
        stored_files=len(stored),
        stored_bytes=sum(entry.size for entry in stored),
        preview_sha256=store_bytes(checked.preview).sha256,
        produced_at=clock.now(),
        faults=checked.faults,
        facts={
            "seconds": dict(result.seconds),
            "software": dict(result.versions),
            "suv_max": checked.suv_max,
            "release_digest": result.release_sha256,
            "device": result.device,
            "notes": list(result.notes),
        },
    )
    begin(series, SYNTHETIC_SERIES, by=None)
    return series


def _manifest(stored: list[StoredFile]) -> StoredFile:
    entries = [{"sha256": entry.sha256, "bytes": entry.size} for entry in stored]
    return store_bytes(json.dumps({"files": entries}, indent=1, sort_keys=True).encode())


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
