"""What the screening of a pair measured, held against the limits of the protocol."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from evaluation.screening import Measured
from studyportal.imaging.rules.findings import Finding, finding
from studyportal.protocol.rules import ScreeningLimits

Screened = Mapping[str, Measured]
_Rule = Callable[[Mapping[str, float], ScreeningLimits], Iterator[Finding]]
_LEAST_OUTLINE_FIT = 0.02  # how much worse the outline may fit when the inside says mirrored


def screened_to_json(screened: Screened) -> dict[str, Any]:
    """The measures as JSON keeps them."""
    return {
        name: {"values": dict(one.values), "unchecked": one.unchecked}
        for name, one in screened.items()
    }


def screened_from_json(kept: Mapping[str, Any]) -> dict[str, Measured]:
    """The measures that were kept as JSON."""
    return {name: Measured(one["values"], one["unchecked"]) for name, one in kept.items()}


def check_screened(screened: Screened, limits: ScreeningLimits) -> Iterator[Finding]:
    """Everything the screening found; what it could not measure is no finding."""
    for name, rule in _RULES.items():
        measured = screened.get(name)
        if measured is not None and measured.values:
            yield from rule(measured.values, limits)


def residual_mm(screened: Screened | None) -> float | None:
    """How far beside the CT the PET lies; None where that was not measured."""
    measured = (screened or {}).get("registration")
    return measured.values.get("residual_mm") if measured else None


def _metal(values: Mapping[str, float], limits: ScreeningLimits) -> Iterator[Finding]:
    if values["metal_ml"] > limits.metal_ml_max:
        streaks = values["streak_ratio"] > limits.streak_ratio_max
        yield finding("metal_streaks" if streaks else "metal", **values)


def _truncation(values: Mapping[str, float], limits: ScreeningLimits) -> Iterator[Finding]:
    if values["slices_share"] > limits.truncated_share_max:
        yield finding("ct_truncated", share_percent=100 * values["slices_share"], **values)


def _liver(values: Mapping[str, float], limits: ScreeningLimits) -> Iterator[Finding]:
    yield from _organ("liver_uptake", values, (limits.liver_suv_min, limits.liver_suv_max))


def _blood_pool(values: Mapping[str, float], limits: ScreeningLimits) -> Iterator[Finding]:
    edges = (limits.blood_pool_suv_min, limits.blood_pool_suv_max)
    yield from _organ("blood_pool_uptake", values, edges)


def _organ(kind: str, values: Mapping[str, float], edges: tuple[float, float]) -> Iterator[Finding]:
    # An outline is believed as it is; an estimate may hold a lesion, which moves its mean.
    outlined = bool(values["outlined"])
    suv = values["suv_mean"] if outlined else values["suv_median"]
    if not edges[0] <= suv <= edges[1]:
        how = "mean of the outline" if outlined else "estimated without outline"
        yield finding(kind, suv=suv, low=edges[0], high=edges[1], how=how)


def _breathing(values: Mapping[str, float], limits: ScreeningLimits) -> Iterator[Finding]:
    mismatch, limit = values["mismatch_mm"], limits.respiratory_mismatch_mm_max
    if abs(mismatch) > limit:
        direction = "higher" if mismatch > 0 else "lower"
        yield finding(
            "respiratory_mismatch", mismatch_mm=abs(mismatch), direction=direction, limit_mm=limit
        )


def _halo(values: Mapping[str, float], limits: ScreeningLimits) -> Iterator[Finding]:
    if values["ring_ratio"] < limits.halo_ratio_min:
        yield finding("halo", percent=100 * values["ring_ratio"], limit=limits.halo_ratio_min)


def _laterality(values: Mapping[str, float], limits: ScreeningLimits) -> Iterator[Finding]:
    outline_agrees = values["dice_mirrored"] >= values["dice"] - _LEAST_OUTLINE_FIT
    if values["margin"] < -limits.mirrored_margin_min and outline_agrees:
        yield finding("mirrored", **values)


_RULES: Mapping[str, _Rule] = {
    "metal": _metal,
    "truncation": _truncation,
    "liver": _liver,
    "blood_pool": _blood_pool,
    "breathing": _breathing,
    "halo": _halo,
    "laterality": _laterality,
}
