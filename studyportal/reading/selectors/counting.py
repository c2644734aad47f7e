"""Which cases are still read and analysed, and why the others are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q

from studyportal.imaging.states import PairStatus, SeriesStatus
from studyportal.participants.selectors import removed_ids
from studyportal.syntheses.selectors import USABLE

if TYPE_CHECKING:
    from studyportal.reading.models import ReadingCase


def counting(case: str = "") -> Q:
    """Cases that count: not taken out, of nobody whose data were removed, and every image still in the study.

    `case` is the path to the case with its underscores, such as `case__` where reads are asked for.
    """
    removed = Q(**{f"{case}pair__participant__in": removed_ids()})
    return Q(**{f"{case}excluded_at": None}) & ~removed & _sound(case)


def _sound(case: str) -> Q:
    """What the readers see, or what stands behind it, was neither withdrawn nor rejected since the session opened."""
    accepted = {f"{case}source__status": SeriesStatus.ACCEPTED}
    reference = Q(**{f"{case}reference": None}) | Q(
        **{f"{case}reference__status": SeriesStatus.ACCEPTED}
    )
    synthetic = Q(**{f"{case}synthetic": None}) | Q(**{f"{case}synthetic__status__in": USABLE})
    return (
        Q(**accepted) & reference & synthetic & ~Q(**{f"{case}pair__status": PairStatus.EXCLUDED})
    )


def why_held(case: ReadingCase) -> str:
    """Why a case that nobody took out is read and analysed no more; empty where it is."""
    if case.pair.status == PairStatus.EXCLUDED:
        return f"Its images were excluded: {case.pair.exclusion_reason}"
    if case.source.status != SeriesStatus.ACCEPTED:
        return "Its CT was withdrawn from the study."
    if case.reference is not None and case.reference.status != SeriesStatus.ACCEPTED:
        return "Its PET was withdrawn from the study."
    if case.synthetic is not None and case.synthetic.status not in USABLE:
        return "Its synthetic PET was withdrawn."
    return ""
