"""Keeps answers as they are typed. Of two people who work on one form none loses anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import transaction

from studyportal.clinical.models import Form, Record
from studyportal.clinical.models.columns import absent_column
from studyportal.clinical.rules import (
    FORMS,
    Absent,
    Change,
    Field,
    Kind,
    Meeting,
    PartialDate,
    Unreadable,
    Value,
    computed,
    meet,
    no_longer_asked,
    read,
    written,
)
from studyportal.clinical.selectors import answer_of, records_of, row_of
from studyportal.clinical.services.opening import keep_act, taken, touched
from studyportal.core.errors import Reason, Refused
from studyportal.core.models import User


@dataclass(frozen=True)
class Conflict:
    """Somebody else changed this answer after the person had looked."""

    unit: str
    field: str
    theirs: str
    mine: str


@dataclass
class Saved:
    """What became of the changes.

    `same` are answers that stood already, `emptied` those to questions that are not asked any more.
    """

    form: Form
    kept: list[Change] = field(default_factory=list)
    same: list[Change] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    emptied: list[tuple[str, Field]] = field(default_factory=list)


@transaction.atomic
def save_answers(*, form: Form, changes: Sequence[Change], by: User) -> Saved:
    """Every change is kept whose answer nobody else changed meanwhile; the others come back with both answers.

    What cannot be an answer is kept beside the form as it was typed, so that nothing is lost; such a form cannot be
    completed. Several rows can be changed at once.

    Raises
    ------
    Refused
        When the form is not being filled in, or a field or row does not exist.
    """
    form = taken(form, by=by)
    records = records_of(form)
    saved = Saved(form)
    for change in changes:
        _keep(change, form, records, saved)
    if saved.kept:
        for unit in {change.unit for change in saved.kept}:
            _follow(form, unit, records[unit], saved)
        touched(form, by=by)
        keep_act("save_answers", form, _sentence(saved), by=by)
    return saved


def place_of(unit: str, name: str) -> str:
    """How a field of a row is called in `Form.unreadable` and in reasons."""
    return f"{unit}.{name}"


def shown(form: Form, unit: str, record: Record, one: Field) -> str:
    """What stands in the field: the answer, or what was typed and cannot be one."""
    typed = form.unreadable.get(place_of(unit, one.name))
    return str(typed) if typed is not None else written(answer_of(record, one))


def _keep(change: Change, form: Form, records: dict[str, Record], saved: Saved) -> None:
    entered = {one.name: one for one in FORMS[form.kind].entered}
    record, one = records.get(change.unit), entered.get(change.field)
    if record is None or one is None:
        raise Refused(Reason("field_unknown", "There is no such row or field on this form."))
    stands = shown(form, change.unit, record, one)
    meeting = meet(change, stands)
    if meeting is Meeting.CONFLICT:
        saved.conflicts.append(Conflict(change.unit, change.field, stands, change.now))
    elif meeting is Meeting.SAME:
        saved.same.append(change)
    else:
        put(form, change.unit, record, one, text=change.now)
        saved.kept.append(change)


def put(form: Form, unit: str, record: Record, one: Field, *, text: str) -> None:
    """The text stands in the field: as an answer, or beside the form when it cannot be one."""
    place = place_of(unit, one.name)
    form.unreadable.pop(place, None)
    try:
        assign(record, one, read(one, text))
    except Unreadable:
        assign(record, one, None)
        form.unreadable[place] = text.replace("\x00", "")[:2000]


def assign(record: Record, one: Field, value: Value) -> None:
    """The columns of the field hold this answer."""
    if one.absent:
        setattr(record, absent_column(one), value if isinstance(value, Absent) else "")
    if isinstance(value, Absent):
        value = None
    setattr(record, one.name, _stored(one, value))


def _stored(one: Field, value: Value) -> object:
    if isinstance(value, PartialDate):
        return value.earliest() if one.kind is Kind.DATE else str(value)
    if value is None and one.kind in (Kind.CHOICE, Kind.TEXT, Kind.PARTIAL_DATE):
        return ""
    return value


def _follow(form: Form, unit: str, record: Record, saved: Saved) -> None:
    """What is not asked any more is emptied, and what follows from the answers is worked out."""
    definition = FORMS[form.kind]
    for one in no_longer_asked(definition, row_of(record)):
        assign(record, one, None)
        saved.emptied.append((unit, one))
    row = row_of(record)
    for one in definition.entered:
        if not one.is_asked(row):
            form.unreadable.pop(place_of(unit, one.name), None)
    for name, value in computed(definition, row).items():
        setattr(record, name, value)
    record.save()


def _sentence(saved: Saved) -> str:
    definition = FORMS[saved.form.kind]
    names = dict.fromkeys(definition.field(change.field).label.en for change in saved.kept)
    return f"got answers to: {'; '.join(names)}"
