"""Thresholds of the image checks; the protocol file states every one of them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ImagingConstraints:
    """Limits are inclusive: a value equal to a limit passes."""

    ct_max_slice_thickness_mm: float
    uptake_minutes_min: float
    uptake_minutes_max: float
    dose_mbq_min: float
    dose_mbq_max: float
    weight_kg_min: float
    weight_kg_max: float
    half_life_s: float
    half_life_tolerance: float
    suv_rule_disagreement: float
    ct_pet_z_coverage_warning: float
    ct_pet_z_overlap_mm_min: float
    max_days_between: int
    tracers: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "tracers", tuple(self.tracers))  # TOML gives a list
        ranges = {
            "uptake_minutes": (self.uptake_minutes_min, self.uptake_minutes_max),
            "dose_mbq": (self.dose_mbq_min, self.dose_mbq_max),
            "weight_kg": (self.weight_kg_min, self.weight_kg_max),
        }
        for name, (low, high) in ranges.items():
            if not 0 <= low <= high:
                raise ValueError(f"{name}_min must not be above {name}_max, nor below zero.")
        if not self.tracers:
            raise ValueError("tracers must name at least one tracer.")
