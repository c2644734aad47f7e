"""From stored PET values to standardised uptake values, with the rule that was used.

The order of rules is that of the public digital reference objects for SUV (Vacha et al. 2026,
github.com/oncoray/suv_computation) and passes all of them; see ``suv_clock.reference_moments``.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from pydicom import Dataset

from evaluation.imaging.header import number, text, texts
from evaluation.imaging.instance import MULTIFRAME, synthetic_marks
from evaluation.imaging.reasons import Reason
from evaluation.imaging.suv_body import UNITS, Body, SuvKind, body_of, convert
from evaluation.imaging.suv_rules import Outcome, rule_of

LARGEST_QUIET_DISAGREEMENT = 0.01


@runtime_checkable
class HasSliceHeaders(Protocol):
    """A series, seen through the headers of its slices."""

    @property
    def slice_headers(self) -> tuple[Dataset, ...]:
        """Headers of the slices in their geometric order."""


@dataclass(frozen=True)
class SuvConversion:
    """How stored values (after slope and intercept) become SUV.

    ``factor`` is the one factor of the series, None when refused or when slices differ;
    ``slice_factors`` has one per header given. ``alternatives`` maps the name of every other
    reading of the header to its factor (that of the first slice where slices differ);
    ``disagreement`` is their largest relative difference in any slice. Values that are SUV already
    and those corrected to administration (ADMIN) leave nothing to be read otherwise.
    """

    kind: SuvKind
    rule: str
    factor: float | None
    slice_factors: tuple[float, ...] = field(default=(), repr=False)
    alternatives: Mapping[str, float] = field(default_factory=dict)
    disagreement: float = 0.0
    decay_seconds: float | None = None
    weight_kg: float | None = None
    dose_bq: float | None = None
    injection_time: str = ""
    reference_time: str = ""
    refusals: tuple[Reason, ...] = ()
    findings: tuple[Reason, ...] = ()


def suv_factor(
    header: Dataset | Sequence[Dataset] | HasSliceHeaders, *, kind: SuvKind = "bw"
) -> SuvConversion:
    """Say by which factor stored PET values become SUV, or every reason why they cannot.

    Parameters
    ----------
    header
        The header of one slice, those of all slices of a series (needed where DecayCorrection is
        NONE or the first acquisition matters), or a series.
    kind
        Normalisation: body weight, lean mass (James, Janmahasatian, DICOM's LBM), body surface,
        ideal weight.

    Returns
    -------
    SuvConversion
        Never raises for what the header holds: ``refusals`` names the tags that stand in the way.

    Raises
    ------
    ValueError
        When no header is given, or a kind that does not exist.

    Notes
    -----
    SUVbw = C [Bq/ml] * weight [g] / (dose [Bq] * 2 ** (-t / half-life)), t from injection to the
    time the values were corrected to. Values stored in g/ml are SUV already: factor 1.

    Examples
    --------
    >>> from pydicom import Dataset
    >>> stored = Dataset()
    >>> stored.Units, stored.SUVType, stored.CorrectedImage = "GML", "BW", ["ATTN", "DECY"]
    >>> suv_factor(stored).factor
    1.0
    """
    if kind not in UNITS:
        raise ValueError(f"the kind of SUV is one of {', '.join(UNITS)}, not {kind!r}")
    headers = _headers(header)
    first, body = headers[0], body_of(headers[0])
    refusals = _common_refusals(headers)
    outcome = rule_of(text(first, "Units").upper())(headers, body)
    step, notes = convert(body, stored=outcome.stored, wanted=kind)
    if math.isnan(step):
        # A note about the body that kept the conversion from being made is a refusal.
        refusals, notes = refusals + notes, ()
    refusals = tuple(dict.fromkeys(refusals + outcome.refusals))
    findings = body.reasons + outcome.findings + notes
    return _conversion(kind, outcome, step, body, refusals=refusals, findings=findings)


def _headers(header: Dataset | Sequence[Dataset] | HasSliceHeaders) -> tuple[Dataset, ...]:
    if isinstance(header, Dataset):
        return (header,)
    found = header.slice_headers if isinstance(header, HasSliceHeaders) else tuple(header)
    if not found:
        raise ValueError("no header was given")
    return tuple(found)


def _conversion(
    kind: SuvKind,
    outcome: Outcome,
    step: float,
    body: Body,
    *,
    refusals: tuple[Reason, ...],
    findings: tuple[Reason, ...],
) -> SuvConversion:
    factors = () if refusals else tuple(f * step for f in outcome.factors)
    same = len(factors) > 0 and max(factors) - min(factors) <= 1e-12 * abs(factors[0])
    disagreement = _disagreement(outcome)
    if disagreement > LARGEST_QUIET_DISAGREEMENT and not refusals:
        sentence = (
            f"Other readings of the header give SUV that differ by {disagreement:.1%}; "
            f"the rule used is {outcome.rule}."
        )
        findings += (Reason("suv_rules_disagree", sentence, "(0054,1102)"),)
    return SuvConversion(
        kind=kind,
        rule=outcome.rule,
        factor=factors[0] if same else None,
        slice_factors=factors,
        alternatives={n: v[0] * step for n, v in outcome.alternatives.items()},
        disagreement=disagreement,
        decay_seconds=outcome.seconds,
        weight_kg=body.weight_kg,
        dose_bq=outcome.dose_bq,
        injection_time=outcome.injection,
        reference_time=outcome.reference,
        refusals=refusals,
        findings=tuple(dict.fromkeys(findings)),
    )


def _disagreement(outcome: Outcome) -> float:
    differences = [
        abs(other / used - 1)
        for values in outcome.alternatives.values()
        for other, used in zip(values, outcome.factors, strict=True)
    ]
    return max(differences, default=0.0)


def _common_refusals(headers: Sequence[Dataset]) -> tuple[Reason, ...]:
    found = []
    first = headers[0]
    multiframe = MULTIFRAME.get(text(first, "SOPClassUID"))
    if multiframe is not None:
        sentence = f"This is {multiframe}: its facts stand elsewhere, and that is not read yet."
        return (Reason("multiframe", sentence, "(0008,0016)"),)
    if any((number(h, "RescaleIntercept") or 0) != 0 for h in headers):
        sentence = "The rescale intercept is not zero: zero activity would not be zero SUV."
        found.append(Reason("intercept", sentence, "(0028,1052)"))
    if synthetic_marks(first) and text(first, "Units").upper() == "GML":
        return tuple(found)  # a computed image: nothing was measured, nothing to be corrected
    corrected = set.intersection(
        *({term.upper() for term in texts(h, "CorrectedImage")} for h in headers)
    )
    if len({text(h, "Units") + text(h, "SUVType") for h in headers}) > 1:
        sentence = "The slices of the series state different units or SUV types."
        found.append(Reason("slices_disagree", sentence, "(0054,1001)"))
    if "ATTN" not in corrected:
        sentence = "The image is not stated to be corrected for attenuation."
        found.append(Reason("attenuation", sentence, "(0028,0051)"))
    if "DECY" not in corrected and text(first, "DecayCorrection").upper() != "NONE":
        sentence = "The image is not stated to be corrected for decay."
        found.append(Reason("decay", sentence, "(0028,0051)"))
    return tuple(found)
