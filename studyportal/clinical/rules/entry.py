"""How entries meet: a change against what stands by now, and a second entry against the first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from studyportal.clinical.rules.answers import Unreadable, read, written
from studyportal.clinical.rules.fields import Field, Row, Value
from studyportal.clinical.rules.parts import FormDefinition

# How a form says that its answers were typed into its page.
FROM_PAGE = "page"


@dataclass(frozen=True)
class Change:
    """One answer as a person gave it: what stood there when they looked, and what they typed."""

    unit: str
    field: str
    was: str
    now: str


class Meeting(StrEnum):
    """What becomes of a change."""

    APPLY = "apply"
    SAME = "same"
    CONFLICT = "conflict"


def meet(change: Change, stands: str) -> Meeting:
    """A change counts where nobody else changed the answer in the meantime; otherwise the person is asked."""
    if change.now.strip() == stands:
        return Meeting.SAME
    return Meeting.APPLY if change.was.strip() == stands else Meeting.CONFLICT


def no_longer_asked(form: FormDefinition, row: Row) -> list[Field]:
    """Fields that hold an answer and are not asked any more, as the other answers stand."""
    left: dict[str, Value] = dict(row)
    dropped: list[Field] = []
    while gone := [
        field
        for field in form.entered
        if left.get(field.name) not in (None, "") and not field.is_asked(left)
    ]:
        dropped += gone
        for field in gone:
            left[field.name] = None
    return dropped


@dataclass(frozen=True)
class Discrepancy:
    """Two entries of the same field that differ."""

    unit: str
    field: Field
    first: str
    second: str


def asked_twice(form: FormDefinition, rows: Mapping[str, Row]) -> list[tuple[str, Field]]:
    """What a second person enters: the fields that are entered twice, of every row in which they are asked."""
    return [
        (unit, field) for unit, row in rows.items() for field in form.twice if field.is_asked(row)
    ]


def discrepancies(
    form: FormDefinition, first: Mapping[str, Row], second: Mapping[str, Mapping[str, str]]
) -> list[Discrepancy]:
    """Where the second entry differs from the first. A second entry that cannot be read differs."""
    found = []
    for unit, field in asked_twice(form, first):
        one = written(first[unit].get(field.name))
        other = second.get(unit, {}).get(field.name, "")
        if _differ(field, one, other):
            found.append(Discrepancy(unit, field, one, other))
    return found


def _differ(field: Field, one: str, other: str) -> bool:
    try:
        return written(read(field, other)) != one
    except Unreadable:
        return True


def computed(form: FormDefinition, row: Row) -> dict[str, str]:
    """The answers that follow from the others."""
    return {field.name: field.computed(row) for field in form.fields if field.computed is not None}


def progress(form: FormDefinition, rows: Iterable[Row]) -> tuple[int, int]:
    """How many of the required questions are answered, and how many are asked."""
    answered = asked = 0
    for row in rows:
        for field in form.entered:
            if field.required and field.is_asked(row):
                asked += 1
                answered += row.get(field.name) not in (None, "")
    return answered, asked
