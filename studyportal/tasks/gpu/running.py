"""Runs one claimed job in the child, passes its progress on, and ends it when it must end."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

from django.conf import settings

from studyportal.core.errors import StaleState
from studyportal.core.storage import DamagedFile
from studyportal.imaging.selectors import stored_paths
from studyportal.syntheses import services
from studyportal.syntheses.selectors import SynthesisJob, folder_of
from studyportal.tasks.gpu.child import Child, ChildDied, Keeper
from synthesis.contract import TranslationRequest, TranslationResult

_TICK_SECONDS = 1.0
_keeper = Keeper()


def run_job(job: SynthesisJob) -> SynthesisJob:
    """The job has ended, or waits again; no file of an attempt that did not succeed is left."""
    out = Path(settings.WORK_DIR) / f"{job.pk}-{job.token}"
    try:
        result = _translate(job, out)
        return services.record_result(job=job, result=result)
    except StaleState:  # another attempt took the job over; its result counts
        job.refresh_from_db()
        return job
    finally:
        shutil.rmtree(out, ignore_errors=True)


def request_of(job: SynthesisJob, out: Path) -> TranslationRequest:
    """What the child is asked to do."""
    return TranslationRequest(
        job_id=str(job.pk),
        release_dir=str(folder_of(job.release)),
        release_sha256=job.release.digest,
        ct_files=tuple(str(path) for path in stored_paths(job.source.manifest_sha256)),
        out_dir=str(out),
        seed=job.seed,
        labels={"participant": job.pair.participant.code, "release": str(job.release)},
    )


def _translate(job: SynthesisJob, out: Path) -> TranslationResult:
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        request = request_of(job, out)
    except DamagedFile as damaged:
        return TranslationResult(job_id=str(job.pk), status="refused", reason=str(damaged))
    try:
        child = _keeper.child()
        child.ask(request)
        return _follow(
            job, child, deadline=time.monotonic() + settings.SYNTHESIS_TIME_LIMIT_SECONDS
        )
    except ChildDied as death:
        _keeper.end()
        return TranslationResult(job_id=str(job.pk), status="errored", reason=str(death))
    except BaseException:  # the child may still work on this job; the next one gets a fresh child
        _keeper.end()
        raise


def _follow(job: SynthesisJob, child: Child, *, deadline: float) -> TranslationResult:
    stage, done, total = "starting", 0, 0
    while time.monotonic() < deadline:
        event = _own(child.next_event(seconds=_TICK_SECONDS), job)
        if event is not None and event["event"] == "result":
            return TranslationResult.from_json(json.dumps(event["result"]))
        if event is not None and event["event"] == "invalid":
            return TranslationResult(job_id=str(job.pk), status="errored", reason=event["reason"])
        if event is not None and event["event"] == "progress":
            stage, done, total = event["stage"], event["done"], event["total"]
        services.heartbeat(job=job, stage=stage, done=done, total=total)
        if services.wants_to_stop(job=job):
            _keeper.end()
            return TranslationResult(job_id=str(job.pk), status="cancelled")
    _keeper.end()
    limit = settings.SYNTHESIS_TIME_LIMIT_SECONDS // 60
    return TranslationResult(
        job_id=str(job.pk),
        status="errored",
        reason=f"The job took longer than {limit} minutes and was ended.",
    )


def _own(event: dict[str, Any] | None, job: SynthesisJob) -> dict[str, Any] | None:
    """The event unless it speaks of another job: one picture must never be kept for another's."""
    if event is None:
        return None
    about = event.get("result", event).get("job_id", str(job.pk))
    return event if about == str(job.pk) else None
