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
from studyportal.tasks.devices import Device
from studyportal.tasks.gpu.child import Child, ChildDied, Keeper
from synthesis.contract import TranslationRequest, TranslationResult

_TICK_SECONDS = 1.0
_SHOW_SECONDS = 0.5
_SERIES = "series"
_keeper = Keeper()


def run_job(job: SynthesisJob, device: Device) -> SynthesisJob:
    """The job has ended, or waits again; no file of an attempt that did not succeed is left."""
    scratch = services.scratch_of(job=job)
    try:
        result = _translate(job, scratch / _SERIES, device)
        services.heartbeat(job=job, stage="checking", done=0, total=0)
        return services.record_result(job=job, result=result)
    except StaleState:  # another attempt took the job over; its result counts
        job.refresh_from_db()
        return job
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def request_of(job: SynthesisJob, out: Path, device: Device) -> TranslationRequest:
    """What the child is asked to do."""
    return TranslationRequest(
        job_id=str(job.pk),
        release_dir=str(folder_of(job.release)),
        release_sha256=job.release.digest,
        ct_files=tuple(str(path) for path in stored_paths(job.source.manifest_sha256)),
        out_dir=str(out),
        seed=job.seed,
        device=device.kind,
        labels={"participant": job.pair.participant.code, "release": str(job.release)},
    )


def _translate(job: SynthesisJob, out: Path, device: Device) -> TranslationResult:
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        request = request_of(job, out, device)
    except DamagedFile as damaged:
        return TranslationResult(job_id=str(job.pk), status="refused", reason=str(damaged))
    try:
        child = _keeper.child(device)
        child.ask(request)
        result = _follow(job, child)
    except ChildDied as death:
        result = _broke(job, death.reason_id, str(death))
    except BaseException:  # the child may still work on this job; the next one gets a fresh child
        _keeper.end()
        raise
    if result.status in ("errored", "cancelled"):  # its memory is given back, whatever it held
        _keeper.end()
    return result


def _follow(job: SynthesisJob, child: Child) -> TranslationResult:
    limit = settings.SYNTHESIS_TIME_LIMIT_SECONDS
    deadline = time.monotonic() + limit
    shown = _Shown(job)
    while time.monotonic() < deadline:
        event = _own(child.next_event(seconds=_TICK_SECONDS), job)
        if event is not None and event["event"] == "result":
            return TranslationResult.from_json(json.dumps(event["result"]))
        if event is not None and event["event"] == "invalid":
            return _broke(job, "", event["reason"])
        shown.take(event)
        if shown.due_to_ask() and services.wants_to_stop(job=job):
            return TranslationResult(job_id=str(job.pk), status="cancelled")
    words = f"{limit // 60} minutes" if limit >= 120 else f"{limit} seconds"
    return _broke(job, "time_limit", f"The job took longer than {words} and was ended.")


class _Shown:
    """What the row shows of a running job: every stage, steps twice a second, a sign of life each 15 s."""

    def __init__(self, job: SynthesisJob) -> None:
        self._job = job
        self._now = ("starting", 0, 0)
        self._written = self._now
        self._written_at = time.monotonic()
        self._asked_at = 0.0

    def take(self, event: dict[str, Any] | None) -> None:
        if event is not None and event["event"] == "progress":
            self._now = (event["stage"], event["done"], event["total"])
        if self._is_due(time.monotonic() - self._written_at):
            stage, done, total = self._now
            services.heartbeat(job=self._job, stage=stage, done=done, total=total)
            self._written, self._written_at = self._now, time.monotonic()

    def due_to_ask(self) -> bool:
        """Whether it is time to look for a cancel again, so that a quick model does not ask each step."""
        if time.monotonic() - self._asked_at < _SHOW_SECONDS:
            return False
        self._asked_at = time.monotonic()
        return True

    def _is_due(self, quiet_seconds: float) -> bool:
        if self._now[0] != self._written[0]:
            return True
        if self._now != self._written:
            return quiet_seconds >= _SHOW_SECONDS
        return quiet_seconds >= settings.SYNTHESIS_HEARTBEAT_SECONDS


def _broke(job: SynthesisJob, reason_id: str, reason: str) -> TranslationResult:
    return TranslationResult(
        job_id=str(job.pk), status="errored", reason_id=reason_id, reason=reason
    )


def _own(event: dict[str, Any] | None, job: SynthesisJob) -> dict[str, Any] | None:
    """The event unless it speaks of another job: one picture must never be kept for another's."""
    if event is None:
        return None
    about = event.get("result", event).get("job_id", str(job.pk))
    return event if about == str(job.pk) else None
