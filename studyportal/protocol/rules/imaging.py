"""Limits of the image checks, and where they differ for a site or a scanner."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from types import MappingProxyType


@dataclass(frozen=True)
class ScreeningLimits:
    """Limits of the screening of the images themselves. A value equal to a limit passes.

    Raises
    ------
    ValueError
        When a lower limit lies above its upper limit or below zero.
    """

    metal_ml_max: float
    streak_ratio_max: float
    truncated_share_max: float
    liver_suv_min: float
    liver_suv_max: float
    blood_pool_suv_min: float
    blood_pool_suv_max: float
    respiratory_mismatch_mm_max: float
    halo_ratio_min: float
    mirrored_margin_min: float
    registration_residual_mm_max: float
    glucose_mmol_per_l_max: float

    def __post_init__(self) -> None:
        for name in ("liver_suv", "blood_pool_suv"):
            low, high = getattr(self, f"{name}_min"), getattr(self, f"{name}_max")
            if not 0 <= low <= high:
                raise ValueError(f"{name}_min must not be above {name}_max, nor below zero.")


@dataclass(frozen=True)
class ImagingConstraints:
    """Thresholds of the image checks. Limits are inclusive: a value equal to a limit passes.

    Raises
    ------
    ValueError
        When a lower limit lies above its upper limit or below zero, or no tracer is named.
    """

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
    tracers: Sequence[str]
    screening: ScreeningLimits | None = None

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


@dataclass(frozen=True)
class LocalLimits:
    """Limits that hold instead of the study's at a site, on a scanner, or on a scanner of a site.

    Empty `site`, `manufacturer` or `model` means every one; names are compared without regard to case.
    """

    site: str
    manufacturer: str
    model: str
    because: str
    limits: Mapping[str, object]

    def __post_init__(self) -> None:
        object.__setattr__(self, "limits", MappingProxyType(dict(self.limits)))
        if not (self.site or self.manufacturer or self.model):
            raise ValueError("name a site, a manufacturer or a model.")
        if not self.because.strip():
            raise ValueError("say in “because” why these limits differ.")
        known = {
            field.name for kind in (ImagingConstraints, ScreeningLimits) for field in fields(kind)
        }
        if unknown := sorted(set(self.limits) - (known - {"screening"})):
            raise ValueError(f"no limit is called {', '.join(unknown)}.")
        if not self.limits:
            raise ValueError("no limit is given.")

    @property
    def place(self) -> tuple[str, str, str]:
        """Site, manufacturer and model as they are compared."""
        site, manufacturer, model = (_plain(n) for n in (self.site, self.manufacturer, self.model))
        return site, manufacturer, model

    def holds(self, *, site: str, manufacturer: str, model: str) -> bool:
        """Whether these limits are meant for images of this site and scanner."""
        asked = (_plain(site), _plain(manufacturer), _plain(model))
        return all(not own or own == one for own, one in zip(self.place, asked, strict=True))


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()


def local_limits(
    entries: Iterable[LocalLimits], *, site: str, manufacturer: str, model: str
) -> tuple[LocalLimits, ...]:
    """The entries that hold here, the least particular first: a later one replaces an earlier one."""
    here = [e for e in entries if e.holds(site=site, manufacturer=manufacturer, model=model)]
    return tuple(
        sorted(here, key=lambda e: (sum(map(bool, e.place)), bool(e.model), bool(e.manufacturer)))
    )


def adapted(constraints: ImagingConstraints, entries: Iterable[LocalLimits]) -> ImagingConstraints:
    """The constraints with the limits of these entries in their place.

    Raises
    ------
    ValueError
        When an entry changes a screening limit and the study gives none, a value is no number, or lower and
        upper limits no longer fit together.
    """
    for entry in entries:
        for name, value in entry.limits.items():
            if not _is_limit(name, value):
                raise ValueError(f"“{name}” is of the wrong kind.")
        screening, rest = constraints.screening, _of_screening(entry.limits)
        own = {name: value for name, value in entry.limits.items() if name not in rest}
        if rest and screening is None:
            raise ValueError("the study has no section [imaging.screening] to change.")
        if rest and screening is not None:
            screening = replace(screening, **rest)  # type: ignore[arg-type]  # kinds were asked above
        constraints = replace(constraints, **own, screening=screening)  # type: ignore[arg-type]  # the same
    return constraints


def _of_screening(limits: Mapping[str, object]) -> dict[str, object]:
    names = {field.name for field in fields(ScreeningLimits)}
    return {name: value for name, value in limits.items() if name in names}


def _is_limit(name: str, value: object) -> bool:
    wanted = list if name == "tracers" else int | float
    return isinstance(value, wanted) and not isinstance(value, bool)
