"""Rows of forms as the rules read them: column values become answers."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connection

from studyportal.clinical.models import RECORDS, Form, Record
from studyportal.clinical.models.columns import absent_column
from studyportal.clinical.rules import (
    FORMS,
    Absent,
    Context,
    Field,
    Kind,
    PartialDate,
    Row,
    Value,
    read_partial,
)
from studyportal.clinical.rules.definitions.nodes import station_order
from studyportal.core import clock

if TYPE_CHECKING:
    from studyportal.participants.models import Participant

ParticipantRows = dict[str, dict[str, Row]]


def answer_of(record: Record, field: Field) -> Value:
    """The answer to one question; None where there is none."""
    if field.absent and (reason := getattr(record, absent_column(field))):
        return Absent(reason)
    stored = getattr(record, field.name)
    if stored is None or stored == "":
        return None
    if isinstance(stored, date):
        return PartialDate(stored.year, stored.month, stored.day)
    if field.kind is Kind.PARTIAL_DATE:
        return read_partial(stored)
    return stored


def row_of(record: Record) -> Row:
    """The whole row."""
    return {field.name: answer_of(record, field) for field in FORMS[record.KIND].fields}


def records_of(form: Form) -> dict[str, Record]:
    """Rows of a form that count, by unit, in the order in which people read them."""
    rows = RECORDS[form.kind].objects.filter(form=form, void_reason="")  # type: ignore[attr-defined]  # abstract
    found = {row.unit: row for row in rows}
    return {unit: found[unit] for unit in sorted(found, key=lambda u: unit_order(form.kind, u))}


def records_of_forms(forms: Collection[Form]) -> dict[UUID, list[Record]]:
    """Every row of these forms, by form, rows that do not count among them; one read for all kinds of forms."""
    found: dict[UUID, list[Record]] = {form.pk: [] for form in forms}
    kinds = sorted({form.kind for form in forms})
    if not kinds:
        return found
    parts, values = [], list[Any]()
    for kind in kinds:
        table = connection.ops.quote_name(RECORDS[kind]._meta.db_table)
        parts.append(
            f"SELECT %s, t.unit, to_jsonb(t)::text FROM {table} t WHERE t.form_id = ANY(%s)"  # noqa: S608 our own tables
        )
        values += [kind, [form.pk for form in forms if form.kind == kind]]
    with connection.cursor() as cursor:
        cursor.execute(f"{' UNION ALL '.join(parts)} ORDER BY 1, 2", values)
        for kind, _, columns in cursor.fetchall():
            row = _record(RECORDS[kind], json.loads(columns, parse_float=Decimal))
            found[row.form_id].append(row)  # type: ignore[attr-defined]  # abstract
    return found


def _record(model: type[Record], columns: Mapping[str, Any]) -> Record:
    """The row that has these columns, as if it had been read by itself."""
    fields = model._meta.concrete_fields
    names = [field.attname for field in fields]
    return model.from_db(
        connection.alias, names, [f.to_python(columns[str(f.column)]) for f in fields]
    )


def unit_order(kind: str, unit: str) -> tuple[int, str]:
    """Where a row stands: numbers by size, stations from the neck down, organs as they are listed."""
    if unit.isdigit():
        return int(unit), unit
    listed = [code.value for code in FORMS[kind].units]
    if kind == "nodes" and unit:
        return station_order(unit)
    return (listed.index(unit) if unit in listed else -1), unit


def rows_of(form: Form) -> dict[str, Row]:
    """Answers of a form, by row."""
    return {unit: row_of(record) for unit, record in records_of(form).items()}


def rows_of_participant(
    participant: Participant,
    *,
    kinds: Collection[str] = tuple(FORMS),
    statuses: Iterable[str] | None = None,
) -> ParticipantRows:
    """Answers of these forms of a participant, by form and row; visits of a repeated form by their number."""
    found: ParticipantRows = {}
    for kind in kinds:
        rows = RECORDS[kind].objects.filter(  # type: ignore[attr-defined]  # abstract
            form__participant=participant, void_reason=""
        )
        if statuses is not None:
            rows = rows.filter(form__status__in=list(statuses))
        for record in rows.select_related("form"):
            unit = str(record.form.occurrence) if FORMS[kind].repeats else record.unit
            found.setdefault(kind, {})[unit] = row_of(record)
    return found


def context_of(form: Form, others: Mapping[str, Mapping[str, Row]] | None = None) -> Context:
    """What the checks of a form may look at."""
    participant = form.participant
    if others is None:
        others = rows_of_participant(participant, kinds=FORMS[form.kind].looks_at)
    return Context(
        today=clock.today(),
        sex=participant.sex,
        age_years=participant.age_years,
        screening_date=participant.screening_date,
        others=others,
        occurrence=form.occurrence,
    )
