"""What a reader answered: a draft as the page sends it, read into calls or refused with every reason."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from studyportal.clinical.rules import Unit
from studyportal.core.errors import Reason
from studyportal.reading.rules.design import (
    DISTANT_SITES,
    STATION_ORDER,
    Design,
    Lesions,
    Question,
    Scale,
)

POSITIVE, NEGATIVE = "positive", "negative"
# Real or synthetic; of two images side by side the synthetic one is on the left or on the right.
ORIGINS = ("real", "synthetic")
SIDES = ("left", "right")
MOST_FIELDS, LONGEST_FIELD, MOST_MARKS = 400, 200, 30
_MARK = re.compile(r"m\.([1-9]\d?)")
_FIELD = re.compile(r"[qi]\.\w{1,40}\.\w{0,20}|m\.[1-9]\d?", re.ASCII)
_RANGES = {Scale.FIVE: (1.0, 5.0), Scale.HUNDRED: (0.0, 100.0)}
Place = tuple[float, float, float]


@dataclass(frozen=True)
class Call:
    """One answer; `score` is None where it is indeterminate, `place_mm` where the lesion lies (RAS, mm)."""

    question: str
    unit: str
    unit_id: str
    score: float | None
    call: str
    indeterminate: bool = False
    detail: str = ""
    place_mm: Place | None = None


@dataclass(frozen=True)
class Answers:
    """The calls of a read, and every reason why it cannot be submitted yet."""

    calls: tuple[Call, ...]
    reasons: tuple[Reason, ...]


def readable_draft(fields: Mapping[str, str]) -> dict[str, str]:
    """Return what of a sent draft are fields of a read; everything else is left out."""
    kept = {
        name: value.strip()[:LONGEST_FIELD]
        for name, value in fields.items()
        if _FIELD.fullmatch(name) and value.strip()
    }
    return dict(sorted(kept.items())[:MOST_FIELDS])


def marks_of(fields: Mapping[str, str]) -> dict[int, Place]:
    """Return the lesions that the reader marked, number → place in mm; what is no place is left out."""
    found: dict[int, Place] = {}
    for name, value in fields.items():
        matched = _MARK.fullmatch(name)
        parts = value.split(",")
        if matched is None or len(parts) != 3:
            continue
        try:
            x, y, z = (round(float(part), 1) for part in parts)
        except ValueError:
            continue
        if all(math.isfinite(part) for part in (x, y, z)):
            found[int(matched[1])] = (x, y, z)
    return dict(sorted(found.items())[:MOST_MARKS])


def lesions_of(
    design: Design, fields: Mapping[str, str], numbered: Mapping[int, Place]
) -> dict[int, Place]:
    """The lesions of this read: those numbered on the image, or those that the reader marked."""
    if design.lesions == Lesions.NUMBERED:
        return dict(numbered)
    return marks_of(fields) if design.lesions == Lesions.MARKED else {}


def units_of(question: Question, lesions: Mapping[int, Place]) -> tuple[str, ...]:
    """The ids of the units on which a question is answered."""
    if question.unit == Unit.LESION:
        return tuple(str(number) for number in lesions)
    return STATION_ORDER if question.unit == Unit.STATION else ("",)


def read_answers(
    design: Design, fields: Mapping[str, str], numbered: Mapping[int, Place]
) -> Answers:
    """Return the calls of a draft, with every question that lacks an answer or holds an impossible one."""
    lesions = lesions_of(design, fields, numbered)
    calls: list[Call] = []
    reasons: list[Reason] = []
    for question in design.questions:
        for unit_id in units_of(question, lesions):
            place = lesions.get(int(unit_id)) if question.unit == Unit.LESION else None
            found = _answer(question, unit_id, fields, place, side_by_side=_beside(design))
            if isinstance(found, Reason):
                reasons.append(found)
            elif found is not None:
                calls.append(found)
    return Answers(tuple(calls), tuple(reasons))


def _beside(design: Design) -> bool:
    return design.showing == "side_by_side"


def _answer(
    question: Question,
    unit_id: str,
    fields: Mapping[str, str],
    place: Place | None,
    *,
    side_by_side: bool,
) -> Call | Reason | None:
    where = f"q.{question.id}.{unit_id}"
    if fields.get(f"i.{question.id}.{unit_id}") == "on":
        return Call(
            question.id, question.unit, unit_id, None, "", indeterminate=True, place_mm=place
        )
    text = fields.get(where, "")
    if not text:
        if not question.required:
            return None
        return Reason("answer_missing", "This question has no answer yet.", where)
    if question.scale == Scale.SITES:
        return _sites(question, text, where)
    score = _score(question.scale, text, side_by_side=side_by_side)
    if score is None:
        return Reason("answer_impossible", "This answer is not on the scale.", where)
    call = call_of(question, score)
    return Call(question.id, question.unit, unit_id, score, call, place_mm=place)


def _score(scale: Scale, text: str, *, side_by_side: bool) -> float | None:
    if scale == Scale.YES_NO:
        return {"yes": 1.0, "no": 0.0}.get(text)
    if scale == Scale.ORIGIN:
        words = SIDES if side_by_side else ORIGINS
        # 1 stands for synthetic, and of two images for: the left one is synthetic.
        value = {words[0]: 0.0, words[1]: 1.0}.get(text)
        return None if value is None else 1.0 - value if side_by_side else value
    low, high = _RANGES[scale]
    if not re.fullmatch(r"\d{1,3}", text):
        return None
    return float(text) if low <= float(text) <= high else None


def call_of(question: Question, score: float) -> str:
    """Positive or negative as the design's cut-off says; empty for a question without one."""
    cutoff = question.positive_from
    if cutoff is None and question.scale in (Scale.YES_NO, Scale.ORIGIN):
        cutoff = 1.0
    if cutoff is None:
        return ""
    return POSITIVE if score >= cutoff else NEGATIVE


def _sites(question: Question, text: str, where: str) -> Call | Reason:
    named = [part for part in text.split(" ") if part]
    strange = set(named) - {*DISTANT_SITES, "none"}
    if strange or ("none" in named and len(named) > 1):
        return Reason("answer_impossible", "This answer is not on the scale.", where)
    involved = [site for site in DISTANT_SITES if site in named]
    score = float(len(involved))
    call = POSITIVE if involved else NEGATIVE
    return Call(question.id, question.unit, "", score, call, detail=" ".join(involved))


@dataclass(frozen=True)
class Opinion:
    """What one reader called one unit of a case in one arm."""

    reader: str
    unit_id: str
    call: str
    score: float | None
    indeterminate: bool


def disagree(opinions: Sequence[Opinion], *, question: Question, score_gap: float) -> bool:
    """Whether an adjudicator has to look: calls differ, somebody could not judge, or scores lie too far apart.

    A reader who marked no lesion where another did has no opinion on it; one opinion alone is no disagreement.
    """
    if len(opinions) < 2:
        return False
    if question.positive_from is None and question.scale not in (
        Scale.YES_NO,
        Scale.ORIGIN,
        Scale.SITES,
    ):
        return False  # image quality, confidence: opinions, not findings
    if any(one.indeterminate for one in opinions):
        return True
    scores = [one.score for one in opinions if one.score is not None]
    apart = max(scores) - min(scores) if scores else 0.0
    return len({one.call for one in opinions}) > 1 or (score_gap > 0 and apart > score_gap)


def majority(opinions: Sequence[Opinion]) -> str:
    """The call of more than half of the opinions that judged; empty when there is none."""
    calls = [one.call for one in opinions if one.call]
    for call in (POSITIVE, NEGATIVE):
        if calls.count(call) * 2 > len(calls):
            return call
    return ""
