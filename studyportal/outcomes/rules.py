"""Reads reader scores as they are written in a cases file, and says what is wrong with them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from evaluation.readers import Read
from studyportal.clinical.rules import TargetCondition, Unit, unit_fault
from studyportal.core.errors import Reason
from studyportal.reading.rules import Design, Question, Scale

_ENTRY = re.compile(
    r"^(?P<reader>[\w.-]{1,40})/(?P<arm>\w{1,20})/(?P<condition>\w+)/(?P<unit>\w+)/(?P<unit_id>[\w.-]*)=(?P<score>-?\d+(\.\d+)?)$"
)
_READER, _ARM = re.compile(r"^[\w.-]{1,40}$"), re.compile(r"^\w{1,20}$")
_LONGEST = 40


@dataclass(frozen=True)
class ScoreEntry:
    """One score that one reader gave to one unit in one arm."""

    reader: str
    arm: str
    condition: TargetCondition
    unit: Unit
    unit_id: str
    score: float | None
    call: str = ""
    indeterminate: bool = False
    session: str = ""


def entry_of(read: Read, *, low: float, high: float) -> ScoreEntry | Reason:
    """Return what is kept of a read, or why it cannot be kept."""
    where = f"{read.reader}/{read.arm}/{read.participant}"
    try:
        condition, unit = TargetCondition(read.question), Unit(read.unit)
    except ValueError as error:
        return Reason("read_word", f"{where}: {error}.", "reads")
    if fault := unit_fault(condition, unit, read.unit_id):
        return Reason("read_unit", f"{where}: {fault}", "reads")
    if not (_READER.match(read.reader) and _ARM.match(read.arm) and len(read.session) <= _LONGEST):
        return Reason("read_form", f"{where}: reader, arm or session is no short code.", "reads")
    if read.score is not None and not low <= read.score <= high:
        return Reason(
            "read_range", f"{where}: the score is not between {low:g} and {high:g}.", "reads"
        )
    return ScoreEntry(
        read.reader, read.arm, condition, unit, read.unit_id, read.score, read.call,
        read.indeterminate, read.session,
    )  # fmt: skip


def read_scores(text: str, *, low: float, high: float) -> tuple[list[ScoreEntry], list[Reason]]:
    """Return entries and faults of `reader/arm/condition/unit/unit_id=score;…`; scores lie from `low` to `high`."""
    entries: list[ScoreEntry] = []
    faults: list[Reason] = []
    for part in filter(None, (piece.strip() for piece in text.split(";"))):
        found = _read_entry(part, low=low, high=high)
        if isinstance(found, Reason):
            faults.append(found)
        else:
            entries.append(found)
    return entries, [*faults, *_twice(entries)]


def _read_entry(part: str, *, low: float, high: float) -> ScoreEntry | Reason:
    match = _ENTRY.match(part)
    if match is None:
        return Reason(
            "score_form",
            f"“{part}” is not of the form reader/arm/condition/unit/id=score.",
            "reader_scores",
        )
    try:
        condition, unit = TargetCondition(match["condition"]), Unit(match["unit"])
    except ValueError as error:
        return Reason("score_word", f"“{part}”: {error}.", "reader_scores")
    if fault := unit_fault(condition, unit, match["unit_id"]):
        return Reason("score_unit", f"“{part}”: {fault}", "reader_scores")
    score = float(match["score"])
    if not low <= score <= high:
        return Reason(
            "score_range", f"“{part}”: a score lies from {low:g} to {high:g}.", "reader_scores"
        )
    return ScoreEntry(match["reader"], match["arm"], condition, unit, match["unit_id"], score)


def _twice(entries: Sequence[ScoreEntry]) -> list[Reason]:
    seen, faults = set(), []
    for entry in entries:
        key = (entry.reader, entry.arm, entry.condition, entry.unit, entry.unit_id)
        if key in seen:
            faults.append(
                Reason("score_twice", f"{'/'.join(key)} is given twice.", "reader_scores")
            )
        seen.add(key)
    return faults


def why_exploratory(
    *, locked_at: datetime | None, used_at: datetime, opened_at: datetime | None
) -> str:
    """Return why numbers of an index test are exploratory; empty where it was locked in time.

    In time is: before it was used, and before outcomes were first opened.
    """
    if locked_at is None or locked_at > used_at:
        return "It was not locked when it was used."
    if opened_at is not None and locked_at >= opened_at:
        return (
            f"It was locked on {locked_at:%Y-%m-%d}, after outcomes had been opened on "
            f"{opened_at:%Y-%m-%d}."
        )
    return ""


def cut_off_faults(design: Design, cut_offs: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return a sentence for each question whose positive answers are not those of its index test.

    `cut_offs` gives of each test the cut-off for each target condition; what has none is not compared.
    """
    return [
        f"Question {question.id} {stated}; the index test {test} is positive from {cut_off:g} on."
        for question, test, cut_off in _compared(design, cut_offs)
        if (stated := _stated_otherwise(question, cut_off))
    ]


def _compared(
    design: Design, cut_offs: Mapping[str, Mapping[str, float]]
) -> Iterator[tuple[Question, str, float]]:
    for question in design.questions:
        for arm in design.arms if question.index else ():
            test = f"reader_{question.arm_of_test(arm.code)}"
            cut_off = cut_offs.get(test, {}).get(question.condition)
            if cut_off is not None:
                yield question, test, cut_off


def _stated_otherwise(question: Question, cut_off: float) -> str:
    if question.scale == Scale.YES_NO:
        yes, no = question.yes or 0.0, question.no or 0.0
        return "" if no < cut_off <= yes else f"counts yes as {yes:g} and no as {no:g}"
    if question.positive_from == cut_off:
        return ""
    return f"is positive from {question.positive_from:g} on"
