"""What the checks of a pair rest on, ready for its pages: injection, screening, and limits that differ here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from studyportal.imaging.selectors import (
    entries_in_force,
    entries_of,
    limits_at,
    open_findings,
    screening_of,
)
from studyportal.imaging.states import EntryField, SeriesRole, SeriesStatus

if TYPE_CHECKING:
    from django.utils.functional import Promise

    from studyportal.imaging.models import ImagingSeries, InjectionEntry, ScanPair
    from studyportal.protocol.rules import ScreeningLimits

_FIELDS: Mapping[EntryField, tuple[str | Promise, str]] = {
    EntryField.WEIGHT_KG: (gettext_lazy("Body weight"), "kg"),
    EntryField.DOSE_MBQ: (gettext_lazy("Injected dose"), "MBq"),
    EntryField.TRACER: (gettext_lazy("Tracer"), ""),
    EntryField.GLUCOSE_MMOL_PER_L: (gettext_lazy("Blood glucose"), "mmol/l"),
}
_Numbers = Mapping[str, float]


@dataclass(frozen=True)
class InjectionRow:
    """One value of the injection: what counts, and the entry behind it where a person made one."""

    field: str
    title: str
    unit: str
    value: object
    entry: InjectionEntry | None


@dataclass(frozen=True)
class ScreeningRow:
    """One check of the screening: what it measured and allows, or why it was not made."""

    title: str
    measured: str
    allowed: str
    unchecked: str
    found: bool


def injection_of(series: ImagingSeries | None) -> dict[str, Any]:
    """The injection of a PET with its history, for the page; empty for anything that has none."""
    if series is None or series.role != SeriesRole.REFERENCE:
        return {}
    if series.status not in (SeriesStatus.ACCEPTED, SeriesStatus.QUARANTINED):
        return {}
    now = entries_in_force(series)
    return {
        "injection_series": series,
        "injection": [_injection_row(series, field, now.get(field)) for field in EntryField],
        "injection_history": entries_of(series),
    }


def _injection_row(
    series: ImagingSeries, field: EntryField, entry: InjectionEntry | None
) -> InjectionRow:
    title, unit = _FIELDS[field]
    if entry is not None:
        value: object = entry.text if entry.number is None else entry.number
    else:
        value = _stated(series, field)
    return InjectionRow(field.value, str(title), unit, value, entry)


def _stated(series: ImagingSeries, field: EntryField) -> object:
    dose = series.summary.get("dose_bq")
    return {
        EntryField.WEIGHT_KG: series.summary.get("weight_kg"),
        EntryField.DOSE_MBQ: dose / 1e6 if dose else None,
        EntryField.TRACER: series.summary.get("tracer"),
    }.get(field)


def limits_of(pair: ScanPair, series: ImagingSeries | None) -> dict[str, Any]:
    """Which limits differ at this site and on this scanner, and the screening held against those that hold."""
    summary = series.summary if series else {}
    place = {name: str(summary.get(name, "")) for name in ("manufacturer", "model")}
    limits, local = limits_at(pair.participant.site.code, **place)
    screening = screening_of(pair)
    rows: list[ScreeningRow] = []
    if screening is not None and limits.screening is not None and not screening.fault:
        found = {finding.rule for finding in open_findings(pair)}
        rows = [_screening_row(name, screening.measured, limits.screening, found) for name in _ROWS]
    return {
        "local_limits": [
            (entry.because, [(key, value) for key, value in entry.limits.items()])
            for entry in local
        ],
        "screening": screening,
        "screening_rows": rows,
        "screening_limits": limits.screening,
    }


def _screening_row(
    name: str, measured: Mapping[str, Any], limits: ScreeningLimits, found: set[str]
) -> ScreeningRow:
    title, rules, describe, allowed = _ROWS[name]
    one = measured.get(name, {"values": {}, "unchecked": _("Not measured.")})
    return ScreeningRow(
        title=str(title),
        measured=describe(one["values"]) if one["values"] else "",
        allowed=allowed(limits),
        unchecked=one["unchecked"],
        found=bool(found & rules),
    )


def _organ(values: _Numbers) -> str:
    if values["outlined"]:
        return _("SUV %(suv).2f (mean of the outline)") % {"suv": values["suv_mean"]}
    words = _("SUV %(suv).2f (estimated: median of %(ml).0f ml found in the CT)")
    return words % {"suv": values["suv_median"], "ml": values["volume_ml"]}


def _metal(values: _Numbers) -> str:
    words = _("%(ml).1f ml, soft tissue %(ratio).1f times as noisy there")
    return words % {"ml": values["metal_ml"], "ratio": values["streak_ratio"]}


def _sides(values: _Numbers) -> str:
    words = _("fit %(fit).2f, mirrored %(mirrored).2f; outlines %(dice).2f and %(other).2f")
    return words % {
        "fit": values["fit"],
        "mirrored": values["fit_mirrored"],
        "dice": values["dice"],
        "other": values["dice_mirrored"],
    }


def _range(low: float, high: float) -> str:
    return f"{low:g}–{high:g}"


_Row = tuple[
    "str | Promise",
    frozenset[str],
    Callable[[_Numbers], str],
    Callable[["ScreeningLimits"], str],
]
_ROWS: Mapping[str, _Row] = {
    "registration": (
        gettext_lazy("PET beside CT"),
        frozenset({"moved", "position_measured", "other_position", "position_unknown"}),
        lambda v: f"{v['residual_mm']:.1f} mm, {v['turn_degrees']:.1f}°",
        lambda limits: f"≤ {limits.registration_residual_mm_max:g} mm",
    ),
    "laterality": (
        gettext_lazy("Left and right"),
        frozenset({"mirrored"}),
        _sides,
        lambda limits: _("fit ≥ mirrored − %(margin)g") % {"margin": limits.mirrored_margin_min},
    ),
    "breathing": (
        gettext_lazy("Diaphragm, PET against CT"),
        frozenset({"respiratory_mismatch"}),
        lambda v: f"{v['mismatch_mm']:+.0f} mm",
        lambda limits: f"± {limits.respiratory_mismatch_mm_max:g} mm",
    ),
    "liver": (
        gettext_lazy("Liver"),
        frozenset({"liver_uptake"}),
        _organ,
        lambda limits: _range(limits.liver_suv_min, limits.liver_suv_max),
    ),
    "blood_pool": (
        gettext_lazy("Blood pool"),
        frozenset({"blood_pool_uptake"}),
        _organ,
        lambda limits: _range(limits.blood_pool_suv_min, limits.blood_pool_suv_max),
    ),
    "metal": (
        gettext_lazy("Metal"),
        frozenset({"metal", "metal_streaks"}),
        _metal,
        lambda limits: f"≤ {limits.metal_ml_max:g} ml, ≤ {limits.streak_ratio_max:g}",
    ),
    "truncation": (
        gettext_lazy("Body cut off by the CT"),
        frozenset({"ct_truncated"}),
        lambda v: _("%(share).0f %% of slices") % {"share": 100 * v["slices_share"]},
        lambda limits: f"≤ {100 * limits.truncated_share_max:g} %",
    ),
    "halo": (
        gettext_lazy("Halo round hot parts"),
        frozenset({"halo"}),
        lambda v: (
            _("uptake %(share).0f %% of other soft tissue") % {"share": 100 * v["ring_ratio"]}
        ),
        lambda limits: f"≥ {100 * limits.halo_ratio_min:g} %",
    ),
}
