"""What to expect of the synthesis queue: places, devices and ends, measured from earlier jobs and never guessed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from studyportal.core.database.scope import over_every_site
from studyportal.syntheses.rules import Pace, pace_of, seconds_until_done
from studyportal.syntheses.selectors import recent_successes, running_now, waiting_in_order

if TYPE_CHECKING:
    from studyportal.syntheses.models import SynthesisJob

# A device that finished a job this recently is believed to be there still.
_DEVICE_SEEN = timedelta(minutes=10)
_NEWEST = 20

Paces = Mapping[tuple[UUID, str], Pace]


@dataclass(frozen=True)
class Expectation:
    """When a job is expected to end; no moment when too few earlier jobs tell, or when it is late already."""

    ends_at: datetime | None = None
    late: bool = False
    jobs: int = 0
    place: int | None = None


@dataclass(frozen=True)
class Outlook:
    """The queue as it stands, for every job that runs or waits."""

    expectations: Mapping[UUID, Expectation]
    waiting: int
    running: int
    devices: Mapping[str, int] = field(default_factory=dict)

    def of(self, job: SynthesisJob) -> Expectation:
        """What to expect of this job."""
        return self.expectations.get(job.pk, Expectation())


def outlook(moment: datetime) -> Outlook:
    """Places, devices and expected ends of everything that runs or waits at this moment."""
    with over_every_site("a place in the queue counts everybody's jobs and shows none of them"):
        paces, seen = _paces(moment)
        running, waiting = list(running_now()), list(waiting_in_order())
    expected: dict[UUID, Expectation] = {}
    free_in: dict[str, float | None] = dict.fromkeys(seen, 0.0)
    devices: dict[str, int] = defaultdict(int)
    for job in running:
        expected[job.pk] = _of_running(job, paces, moment)
        free_in[job.device] = _seconds_left(expected[job.pk], moment)
        devices[job.device] += 1
    takes = [{name: _takes(job, name, paces) for name in free_in} for job in waiting]
    ends = seconds_until_done(free_in=free_in, waiting=takes)
    for place, (job, seconds) in enumerate(zip(waiting, ends, strict=True), start=1):
        at = None if seconds is None else _after_backoff(job, moment, seconds)
        expected[job.pk] = Expectation(ends_at=at, place=place)
    return Outlook(expected, len(waiting), len(running), dict(devices))


def _paces(moment: datetime) -> tuple[Paces, set[str]]:
    """The pace of each release on each device, and the devices that were at work of late."""
    found: dict[tuple[UUID, str], list[float]] = defaultdict(list)
    seen = set()
    for attempt in recent_successes():
        if attempt.ended_at is None or not attempt.device:
            continue
        taken = found[attempt.job.release_id, attempt.device]
        if len(taken) < _NEWEST:
            seconds = (attempt.ended_at - attempt.began_at).total_seconds()
            taken.append(seconds / max(1, attempt.job.source.stored_files))
        if moment - attempt.ended_at < _DEVICE_SEEN:
            seen.add(attempt.device)
    paces = {key: pace for key, taken in found.items() if (pace := pace_of(taken)) is not None}
    return paces, seen


def _of_running(job: SynthesisJob, paces: Paces, moment: datetime) -> Expectation:
    pace, seconds = paces.get((job.release_id, job.device)), _takes(job, job.device, paces)
    if pace is None or seconds is None or job.started_at is None:
        return Expectation()
    ends = job.started_at + timedelta(seconds=seconds)
    late = ends <= moment
    return Expectation(ends_at=None if late else ends, late=late, jobs=pace.jobs)


def _seconds_left(expected: Expectation, moment: datetime) -> float | None:
    if expected.ends_at is None:
        return None  # nobody knows when a job that is late will end
    return (expected.ends_at - moment).total_seconds()


def _takes(job: SynthesisJob, device: str, paces: Paces) -> float | None:
    pace = paces.get((job.release_id, device))
    return None if pace is None else pace.seconds_per_slice * max(1, job.source.stored_files)


def _after_backoff(job: SynthesisJob, moment: datetime, seconds: float) -> datetime | None:
    # A job that waits to be tried again may be overtaken; its end is not known.
    if job.not_before is not None and job.not_before > moment:
        return None
    return moment + timedelta(seconds=seconds)
