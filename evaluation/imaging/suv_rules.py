"""One rule per unit of stored PET values: Bq/ml, g/ml, cm2/ml, Philips' counts."""

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pydicom import Dataset

from evaluation.imaging.header import as_number, number, private_value, text
from evaluation.imaging.reasons import Reason
from evaluation.imaging.suv_body import Body, SuvKind
from evaluation.imaging.suv_clock import (
    Injection,
    acquisition_moment,
    decay_seconds,
    injection_of,
    mean_activity_delay_s,
    reference_moments,
)

_PHILIPS = "Philips PET Private Group"
_SUV_TYPES: dict[str, SuvKind] = {
    "": "bw",
    "BW": "bw",
    "LBM": "lbm_dicom",
    "LBMJAMES128": "lbm_james",
    "LBMJANMA": "lbm_janmahasatian",
    "IBW": "ibw",
}


@dataclass(frozen=True)
class Outcome:
    """What one rule gave: factors to SUV of kind ``stored``, and the facts it used."""

    rule: str
    factors: tuple[float, ...] = ()
    stored: SuvKind = "bw"
    alternatives: Mapping[str, float] = field(default_factory=dict)
    seconds: float | None = None
    dose_bq: float | None = None
    injection: str = ""
    reference: str = ""
    refusals: tuple[Reason, ...] = ()
    findings: tuple[Reason, ...] = ()


_Rule = Callable[[Sequence[Dataset], Body], Outcome]


def rule_of(units: str) -> _Rule:
    """Return the rule for the text of DICOM's Units; one that refuses where there is none."""
    rules: dict[str, _Rule] = {
        "BQML": _from_activity,
        "GML": _from_grams_per_ml,
        "CM2ML": _from_surface,
        "CNTS": _from_philips_counts,
    }
    return rules.get(units, _refuse_units)


def _refuse_units(headers: Sequence[Dataset], body: Body) -> Outcome:
    units = text(headers[0], "Units")
    if units:
        sentence = f"The units {units} cannot be turned into SUV."
        return Outcome("none", refusals=(Reason("units", sentence, "(0054,1001)"),))
    # Whoever adds the units will need the rest as well: say at once what else is missing.
    others = _from_activity(headers, body).refusals
    sentence = "The units of the PET values are not stated."
    return Outcome("none", refusals=(Reason("units", sentence, "(0054,1001)"), *others))


def _from_grams_per_ml(headers: Sequence[Dataset], _body: Body) -> Outcome:
    stated = text(headers[0], "SUVType").upper()
    stored = _SUV_TYPES.get(stated)
    if stored is None:
        sentence = f"Values in g/ml with SUV type {stated} contradict each other or are unknown."
        return Outcome("none", refusals=(Reason("suv_type", sentence, "(0054,1006)"),))
    rule = f"values are SUV already (GML, {stated or 'SUV type empty, so BW'})"
    return Outcome(rule, factors=(1.0,) * len(headers), stored=stored)


def _from_surface(headers: Sequence[Dataset], _body: Body) -> Outcome:
    rule = "values are SUV by body surface (CM2ML, Du Bois)"
    return Outcome(rule, factors=(1.0,) * len(headers), stored="bsa")


def _from_philips_counts(headers: Sequence[Dataset], body: Body) -> Outcome:
    to_suv = [_philips(h, 0x00) for h in headers]
    to_activity = [_philips(h, 0x09) for h in headers]
    if all(f is not None for f in to_suv):
        alternatives = {}
        activity = _from_activity(headers, body)
        if to_activity[0] is not None and activity.factors:
            alternatives["philips_activity"] = to_activity[0] * activity.factors[0]
        factors = tuple(f for f in to_suv if f is not None)
        return Outcome("Philips (7053,1000)", factors=factors, alternatives=alternatives)
    if any(f is None for f in to_activity):
        sentence = "Counts without Philips' scale factors cannot be turned into SUV."
        return Outcome("none", refusals=(Reason("philips_factor", sentence, "(7053,1000)"),))
    activity = _from_activity(headers, body)
    scales = [f for f in to_activity if f is not None]
    return replace(
        activity,
        rule=f"Philips (7053,1009), then {activity.rule}",
        factors=tuple(a * f for a, f in zip(activity.factors, scales, strict=False)),
        alternatives={n: v * scales[0] for n, v in activity.alternatives.items()},
    )


def _philips(header: Dataset, element: int) -> float | None:
    value = as_number(private_value(header, group=0x7053, element=element, creator=_PHILIPS))
    return value if value is not None and math.isfinite(value) and value > 0 else None


@dataclass(frozen=True)
class _Dose:
    """What was injected, when, and how fast it decays."""

    activity_bq: float
    half_life_s: float
    injection: Injection | None
    findings: tuple[Reason, ...]


def _dose_of(header: Dataset) -> tuple[_Dose | None, tuple[Reason, ...]]:
    items = header.get("RadiopharmaceuticalInformationSequence") or [Dataset()]
    given = items[0]
    dose, half_life = number(given, "RadionuclideTotalDose"), number(given, "RadionuclideHalfLife")
    found = []
    if dose is None or not math.isfinite(dose) or dose <= 0:
        sentence = "The injected dose is missing or zero."
        found.append(Reason("dose", sentence, "(0018,1074)"))
    if half_life is None or not math.isfinite(half_life) or half_life <= 0:
        sentence = "The half-life of the nuclide is missing."
        found.append(Reason("half_life", sentence, "(0018,1075)"))
    if found or dose is None or half_life is None:
        return None, tuple(found)
    notes: tuple[Reason, ...] = ()
    if len(items) > 1:
        sentence = "More than one radiopharmaceutical is stated: whose dose counts is not clear."
        return None, (Reason("dose", sentence, "(0054,0016)"),)
    if dose < 1e5:
        sentence = f"The dose {dose:g} was taken as megabecquerel."
        dose, notes = dose * 1e6, (Reason("dose_in_mbq", sentence, "(0018,1074)"),)
    return _Dose(dose, half_life, injection_of(header, given), notes), ()


def _from_activity(headers: Sequence[Dataset], body: Body) -> Outcome:
    dose, refusals = _dose_of(headers[0])
    if body.weight_kg is None:
        sentence = "The weight is missing, zero or impossible."
        refusals += (Reason("weight", sentence, "(0010,1030)"),)
    correction = text(headers[0], "DecayCorrection").upper()
    if correction not in ("START", "ADMIN", "NONE"):
        sentence = f"The decay correction is {correction or 'not stated'}."
        refusals += (Reason("decay_correction", sentence, "(0054,1102)"),)
    if dose is None or body.weight_kg is None or refusals:
        return Outcome("none", refusals=refusals)
    per_bq = body.weight_kg * 1000 / dose.activity_bq
    if correction == "ADMIN":
        return Outcome(
            "decay corrected to administration (ADMIN)",
            factors=(per_bq,) * len(headers),
            seconds=0.0,
            dose_bq=dose.activity_bq,
            injection="" if dose.injection is None else dose.injection.moment.isoformat(),
            findings=dose.findings,
        )
    if dose.injection is None:
        sentence = "The time of injection is missing."
        reason = Reason("injection_time", sentence, "(0018,1078)")
        return Outcome("none", dose_bq=dose.activity_bq, refusals=(reason,))
    if correction == "NONE":
        return _uncorrected(headers, dose, dose.injection, per_bq)
    return _corrected_to_start(headers, dose, dose.injection, per_bq)


def _corrected_to_start(
    headers: Sequence[Dataset], dose: _Dose, injection: Injection, per_bq: float
) -> Outcome:
    factors: dict[str, float] = {}
    used: tuple[str, dt.datetime, float, tuple[Reason, ...]] | None = None
    moments = reference_moments(headers, dose.half_life_s)
    for name, moment in moments.items():
        seconds, notes = decay_seconds(injection, moment, dose.half_life_s)
        if seconds is not None:
            factors[name] = per_bq * 2 ** (seconds / dose.half_life_s)
            used = used or (name, moment, seconds, notes)
    if used is None or used[0] != next(iter(moments)):
        sentence = (
            "Injection and scan times do not fit together."
            if moments
            else "Neither the time of the series nor of an acquisition is stated."
        )
        reason = Reason("scan_time", sentence, injection.tag if moments else "(0008,0031)")
        return Outcome("none", dose_bq=dose.activity_bq, refusals=(reason,))
    name, moment, seconds, notes = used
    return Outcome(
        f"decay corrected to start (START, {name})",
        factors=(factors[name],) * len(headers),
        alternatives={n: f for n, f in factors.items() if n != name},
        seconds=seconds,
        dose_bq=dose.activity_bq,
        injection=injection.moment.isoformat(),
        reference=moment.isoformat(),
        findings=dose.findings + notes,
    )


def _uncorrected(
    headers: Sequence[Dataset], dose: _Dose, injection: Injection, per_bq: float
) -> Outcome:
    factors: list[float] = []
    all_notes: list[Reason] = []
    all_seconds: list[float] = []
    for header in headers:
        acquired, duration_ms = acquisition_moment(header), number(header, "ActualFrameDuration")
        if acquired is None or duration_ms is None or not 0 < duration_ms < math.inf:
            sentence = "Without decay correction each slice needs its time and duration."
            tag = "(0008,0032)" if acquired is None else "(0018,1242)"
            return Outcome("none", refusals=(Reason("frame_time", sentence, tag),))
        seconds, notes = decay_seconds(injection, acquired, dose.half_life_s)
        if seconds is None:
            sentence = "Injection and scan times do not fit together."
            return Outcome("none", refusals=(Reason("scan_time", sentence, injection.tag),))
        seconds += mean_activity_delay_s(duration_ms / 1000, dose.half_life_s)
        factors.append(per_bq * 2 ** (seconds / dose.half_life_s))
        all_notes += notes
        all_seconds.append(seconds)
    return Outcome(
        "not decay corrected (NONE): each slice from its own frame",
        factors=tuple(factors),
        seconds=min(all_seconds),
        dose_bq=dose.activity_bq,
        injection=injection.moment.isoformat(),
        findings=dose.findings + tuple(dict.fromkeys(all_notes)),
    )
