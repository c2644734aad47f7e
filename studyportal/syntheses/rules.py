"""Checks of a synthetic series, waits between attempts. Facts in, findings out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from studyportal.core.errors import Reason
from studyportal.syntheses.states import AttemptCause


@dataclass(frozen=True)
class SyntheticFacts:
    """What was read back from the stored synthetic series, and from its source."""

    marked_synthetic: bool
    frame_of_reference_uid: str
    source_frame_of_reference_uid: str
    slices: int
    finite: bool
    suv_min: float
    suv_max: float
    z_extent_mm: float
    source_z_extent_mm: float


SUV_CEILING = 100.0  # above any physiological uptake; a synthesis that exceeds it has diverged
Z_TOLERANCE_MM = 10.0


def quality_faults(facts: SyntheticFacts) -> tuple[Reason, ...]:
    """Everything that keeps a synthetic series from being used; empty when it passes."""
    faults = []
    if not facts.marked_synthetic:
        faults.append(Reason("not_marked", "The series is not marked as synthetic."))
    if facts.frame_of_reference_uid != facts.source_frame_of_reference_uid:
        faults.append(
            Reason("frame_of_reference", "The series is not in the frame of reference of its CT.")
        )
    if not facts.finite:
        faults.append(Reason("not_finite", "The series holds values that are not numbers."))
    if facts.suv_min < 0:
        faults.append(Reason("negative", f"The series holds negative SUV ({facts.suv_min:.2f})."))
    if facts.suv_max > SUV_CEILING:
        faults.append(
            Reason("ceiling", f"The series holds an SUV of {facts.suv_max:.0f}, above any uptake.")
        )
    if facts.suv_max <= 0:
        faults.append(Reason("empty", "The series is empty."))
    if abs(facts.z_extent_mm - facts.source_z_extent_mm) > Z_TOLERANCE_MM:
        faults.append(
            Reason(
                "coverage",
                f"The series covers {facts.z_extent_mm:.0f} mm, its CT {facts.source_z_extent_mm:.0f} mm.",
            )
        )
    return tuple(faults)


# Seconds to wait after the first, the second and every further attempt that broke.
BACKOFF_SECONDS = (0, 30, 300)
FEWEST_FOR_A_PACE = 3


def backoff_seconds(cause: AttemptCause, *, failed: int) -> int:
    """Seconds until a job may be tried again after `failed` attempts.

    A lost worker has cost the length of a lease already, and the job did nothing wrong. A device that is
    missing does not come back at once, so the first wait is skipped.
    """
    if cause == AttemptCause.WORKER_LOST:
        return 0
    step = failed if cause == AttemptCause.NO_DEVICE else failed - 1
    return BACKOFF_SECONDS[min(max(step, 0), len(BACKOFF_SECONDS) - 1)]


@dataclass(frozen=True)
class Pace:
    """How long earlier jobs took with one release on one device."""

    seconds_per_slice: float
    jobs: int


def pace_of(seconds_per_slice: Sequence[float]) -> Pace | None:
    """The median of earlier jobs; None when they are fewer than three."""
    if len(seconds_per_slice) < FEWEST_FOR_A_PACE:
        return None
    return Pace(median(seconds_per_slice), len(seconds_per_slice))


def seconds_until_done(
    *, free_in: Mapping[str, float | None], waiting: Sequence[Mapping[str, float | None]]
) -> list[float | None]:
    """Seconds until each waiting job is done when every device takes the next one as it gets free.

    Parameters
    ----------
    free_in
        For each device the seconds until it is free; None when that is not known.
    waiting
        For each waiting job, in the order of the queue, the seconds it takes on each device.

    Returns
    -------
    list
        None from the first job on for which anything is not known.
    """
    done: list[float | None] = []
    free = {device: seconds for device, seconds in free_in.items() if seconds is not None}
    known = bool(free) and len(free) == len(free_in)
    for takes in waiting:
        device = min(free, key=lambda name: free[name], default=None)
        seconds = takes.get(device) if known and device is not None else None
        known = seconds is not None
        if device is None or seconds is None:
            done.append(None)
            continue
        free[device] += seconds
        done.append(free[device])
    return done
