"""What was injected: activity, half-life and time, refused where the header does not say it once."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pydicom import Dataset

from evaluation.imaging.header import number, text
from evaluation.imaging.reasons import Reason
from evaluation.imaging.suv_clock import Injection, injection_of, parse_time

LARGEST_MEGABECQUEREL = 1e5
_INJECTED = (
    ("RadionuclideTotalDose", "(0018,1074)"),
    ("RadionuclideHalfLife", "(0018,1075)"),
    ("RadiopharmaceuticalStartDateTime", "(0018,1078)"),
    ("RadiopharmaceuticalStartTime", "(0018,1072)"),
)
_OF_THE_SERIES = (
    ("PatientWeight", "(0010,1030)"),
    ("SeriesDate", "(0008,0021)"),
    ("SeriesTime", "(0008,0031)"),
    ("DecayCorrection", "(0054,1102)"),
)


@dataclass(frozen=True)
class Dose:
    """What was injected, when, and how fast it decays."""

    activity_bq: float
    half_life_s: float
    injection: Injection | None
    findings: tuple[Reason, ...]


def dose_of(header: Dataset) -> tuple[Dose | None, tuple[Reason, ...]]:
    """Return the dose that the header states, or None with every reason why it states none."""
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
    if len(items) > 1:
        sentence = "More than one radiopharmaceutical is stated: whose dose counts is not clear."
        found.append(Reason("dose", sentence, "(0054,0016)"))
    if found or dose is None or half_life is None:
        return None, tuple(found)
    notes: tuple[Reason, ...] = ()
    if dose < LARGEST_MEGABECQUEREL:
        sentence = f"The dose {dose:g} was taken as megabecquerel."
        dose, notes = dose * 1e6, (Reason("dose_in_mbq", sentence, "(0018,1074)"),)
    return Dose(dose, half_life, injection_of(header, given), notes), ()


def injection_refusal(header: Dataset) -> Reason:
    """Say what is missing where the header gives no moment of the injection."""
    given = (header.get("RadiopharmaceuticalInformationSequence") or [Dataset()])[0]
    if parse_time(text(given, "RadiopharmaceuticalStartTime")) is None:
        return Reason("injection_time", "The time of injection is missing.", "(0018,1078)")
    sentence = "The injection has a clock time only, and the series has no date to go with it."
    return Reason("injection_time", sentence, "(0008,0021)")


def disagreeing_slices(headers: Sequence[Dataset]) -> tuple[Reason, ...]:
    """Say which facts of the one injection and the one scan differ from slice to slice."""
    items = [(h.get("RadiopharmaceuticalInformationSequence") or [Dataset()])[0] for h in headers]
    pairs = [(items, named) for named in _INJECTED]
    pairs += [(list(headers), named) for named in _OF_THE_SERIES]
    return tuple(
        Reason("slices_disagree", f"The slices of the series state different {keyword}.", tag)
        for where, (keyword, tag) in pairs
        if len({text(header, keyword) for header in where}) > 1
    )
