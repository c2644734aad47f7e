"""Automatic checks of a synthetic series. Facts in, findings out."""

from dataclasses import dataclass

from studyportal.core.errors import Reason


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
