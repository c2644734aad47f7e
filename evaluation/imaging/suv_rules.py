"""One rule per unit of stored PET values: Bq/ml, g/ml, cm2/ml, Philips' counts."""

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pydicom import Dataset

from evaluation.imaging.header import as_number, number, private_value, text, texts
from evaluation.imaging.reasons import Reason
from evaluation.imaging.suv_body import Body, SuvKind
from evaluation.imaging.suv_clock import (
    SHORT_LIVED_HALF_LIFE_S,
    Injection,
    acquisition_moment,
    decay_seconds,
    mean_activity_delay_s,
    reference_moments,
    series_moment,
)
from evaluation.imaging.suv_dose import Dose, disagreeing_slices, dose_of, injection_refusal

_PHILIPS = "Philips PET Private Group"
_SUV_TYPES: dict[str, SuvKind] = {
    "": "bw",
    "BW": "bw",
    "LBM": "lbm_dicom",
    "LBMJAMES128": "lbm_james",
    "LBMJANMA": "lbm_janmahasatian",
    "IBW": "ibw",
}

Factors = tuple[float, ...]


@dataclass(frozen=True)
class Outcome:
    """What one rule gave: factors to SUV of kind ``stored``, and the facts it used.

    ``alternatives`` has one factor per slice for every other reading of the header.
    """

    rule: str
    factors: Factors = ()
    stored: SuvKind = "bw"
    alternatives: Mapping[str, Factors] = field(default_factory=dict)
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
    stated = text(headers[0], "SUVType").upper()
    if stated not in ("", "BSA"):
        sentence = f"Values in cm2/ml with SUV type {stated} contradict each other."
        return Outcome("none", refusals=(Reason("suv_type", sentence, "(0054,1006)"),))
    rule = "values are SUV by body surface (CM2ML, Du Bois)"
    return Outcome(rule, factors=(1.0,) * len(headers), stored="bsa")


def _from_philips_counts(headers: Sequence[Dataset], body: Body) -> Outcome:
    to_suv = [_philips(h, 0x00) for h in headers]
    to_activity = [_philips(h, 0x09) for h in headers]
    scales = [f for f in to_activity if f is not None]
    by_activity: Factors = ()
    activity = _from_activity(headers, body)
    if len(scales) == len(headers) == len(activity.factors):
        by_activity = tuple(a * f for a, f in zip(activity.factors, scales, strict=True))
    if all(f is not None for f in to_suv):
        factors = tuple(f for f in to_suv if f is not None)
        alternatives = {"philips_activity": by_activity} if by_activity else {}
        return Outcome("Philips (7053,1000)", factors=factors, alternatives=alternatives)
    if len(scales) < len(headers):
        sentence = "Counts without Philips' scale factors cannot be turned into SUV."
        return Outcome("none", refusals=(Reason("philips_factor", sentence, "(7053,1000)"),))
    return replace(
        activity,
        rule=f"Philips (7053,1009), then {activity.rule}",
        factors=by_activity,
        alternatives={
            name: tuple(a * f for a, f in zip(values, scales, strict=True))
            for name, values in activity.alternatives.items()
        },
    )


def _philips(header: Dataset, element: int) -> float | None:
    value = as_number(private_value(header, group=0x7053, element=element, creator=_PHILIPS))
    return value if value is not None and math.isfinite(value) and value > 0 else None


def _from_activity(headers: Sequence[Dataset], body: Body) -> Outcome:
    dose, refusals = dose_of(headers[0])
    if body.weight_kg is None:
        sentence = "The weight is missing, zero or impossible."
        refusals += (Reason("weight", sentence, "(0010,1030)"),)
    correction = text(headers[0], "DecayCorrection").upper()
    if correction not in ("START", "ADMIN", "NONE"):
        sentence = f"The decay correction is {correction or 'not stated'}."
        refusals += (Reason("decay_correction", sentence, "(0054,1102)"),)
    refusals += disagreeing_slices(headers)
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
        reason = injection_refusal(headers[0])
        return Outcome("none", dose_bq=dose.activity_bq, refusals=(reason,))
    if not dose.injection.dated and dose.half_life_s > SHORT_LIVED_HALF_LIFE_S:
        sentence = "The nuclide lives long and the day of the injection is not stated."
        reason = Reason("injection_time", sentence, "(0018,1078)")
        return Outcome("none", dose_bq=dose.activity_bq, refusals=(reason,))
    if correction == "NONE":
        return _uncorrected(headers, dose, dose.injection, per_bq)
    return _corrected_to_start(headers, dose, dose.injection, per_bq)


def _corrected_to_start(
    headers: Sequence[Dataset], dose: Dose, injection: Injection, per_bq: float
) -> Outcome:
    moments = reference_moments(headers, dose.half_life_s)
    seconds = {n: decay_seconds(injection, m, dose.half_life_s) for n, m in moments.items()}
    used = next(iter(moments), None)
    after, notes = seconds[used] if used is not None else (None, ())
    if used is None or after is None:
        sentence = (
            "Injection, scan and half-life do not fit together."
            if moments
            else "Neither the time of the series nor of an acquisition is stated."
        )
        reason = Reason("scan_time", sentence, injection.tag if moments else "(0008,0031)")
        return Outcome("none", dose_bq=dose.activity_bq, refusals=(reason,))
    if injection.clock is not None:
        # Where the header states the injection twice, the second statement is a reading as well.
        seconds["injection_start_time"] = decay_seconds(
            injection.clock, moments[used], dose.half_life_s
        )
    factors = {
        name: (per_bq * 2 ** (s / dose.half_life_s),) * len(headers)
        for name, (s, _) in seconds.items()
        if s is not None
    }
    return Outcome(
        f"decay corrected to start (START, {used})",
        factors=factors[used],
        alternatives={name: values for name, values in factors.items() if name != used},
        seconds=after,
        dose_bq=dose.activity_bq,
        injection=injection.moment.isoformat(),
        reference=moments[used].isoformat(),
        findings=dose.findings + notes,
    )


def _uncorrected(
    headers: Sequence[Dataset], dose: Dose, injection: Injection, per_bq: float
) -> Outcome:
    """Take each slice back from the middle (of activity) of its own frame.

    The alternative is the moment that the frame reference time names, counted from the series time.
    """
    all_seconds: list[float] = []
    all_notes: list[Reason] = []
    referred: list[float] = []
    for header in headers:
        seconds, found = _frame_seconds(header, dose, injection)
        if seconds is None:
            return Outcome("none", dose_bq=dose.activity_bq, refusals=found)
        all_seconds.append(seconds)
        all_notes += found
        referred += _referred_seconds(header, dose, injection)
    readings = {"": all_seconds, "series_time_and_frame_reference": referred}
    factors = {
        name: tuple(per_bq * 2 ** (s / dose.half_life_s) for s in values)
        for name, values in readings.items()
        if len(values) == len(headers)
    }
    if any("DECY" in (t.upper() for t in texts(h, "CorrectedImage")) for h in headers):
        sentence = "DecayCorrection says NONE and CorrectedImage says DECY; NONE was believed."
        all_notes.append(Reason("decay_contradiction", sentence, "(0054,1102)"))
    return Outcome(
        "not decay corrected (NONE): each slice from its own frame",
        factors=factors.pop(""),
        alternatives=factors,
        seconds=min(all_seconds),
        dose_bq=dose.activity_bq,
        injection=injection.moment.isoformat(),
        findings=dose.findings + tuple(dict.fromkeys(all_notes)),
    )


def _frame_seconds(
    header: Dataset, dose: Dose, injection: Injection
) -> tuple[float | None, tuple[Reason, ...]]:
    """Seconds from the injection to the mean activity of the slice's frame, or why there are none."""
    acquired, duration_ms = acquisition_moment(header), number(header, "ActualFrameDuration")
    if acquired is None or duration_ms is None or not 0 < duration_ms < math.inf:
        sentence = "Without decay correction each slice needs its time and duration."
        tag = "(0008,0032)" if acquired is None else "(0018,1242)"
        return None, (Reason("frame_time", sentence, tag),)
    seconds, notes = decay_seconds(injection, acquired, dose.half_life_s)
    if seconds is None:
        sentence = "Injection, scan and half-life do not fit together."
        return None, (Reason("scan_time", sentence, injection.tag),)
    return seconds + mean_activity_delay_s(duration_ms / 1000, dose.half_life_s), notes


def _referred_seconds(header: Dataset, dose: Dose, injection: Injection) -> list[float]:
    begun, reference_ms = series_moment(header), number(header, "FrameReferenceTime")
    if begun is None or not reference_ms or not 0 < reference_ms < math.inf:
        return []
    moment = begun + dt.timedelta(milliseconds=reference_ms)
    seconds, _ = decay_seconds(injection, moment, dose.half_life_s)
    return [] if seconds is None else [seconds]
