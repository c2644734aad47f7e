"""The data as ODM: each participant with the forms that were opened, who last changed each, and the signatures that count.

A participant is written when everything about it was read; of the others nothing is in memory but the batch they are in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING, Any
from uuid import UUID

from studyportal.clinical.rules import (
    FORMS,
    event_oid,
    form_oid,
    group_oid,
    item_oid,
    repeats_rows,
    unit_oid,
)
from studyportal.clinical.selectors import (
    Cell,
    FormHead,
    TableLine,
    form_heads,
    reference_lines,
    signatures_that_count,
    table_lines,
)
from studyportal.exports.services.odm.metadata import (
    DERIVED,
    DERIVED_TABLES,
    STATUS_LIST,
    derived_variables,
)
from studyportal.exports.services.odm.xml import OdmWriter
from studyportal.participants.selectors import every_participant

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from studyportal.clinical.models import Signature
    from studyportal.participants.models import Participant

_AT_ONCE = 200
Counts = dict[str, tuple[int, int]]


@dataclass
class _Batch:
    """Everything about the participants that are written next."""

    heads: dict[str, list[FormHead]] = field(default_factory=dict)
    lines: dict[UUID, list[TableLine]] = field(default_factory=dict)
    references: dict[str, list[dict[str, Cell]]] = field(default_factory=dict)
    signed: dict[UUID, Signature] = field(default_factory=dict)
    signed_books: dict[UUID, Signature] = field(default_factory=dict)


def write_participants(
    xml: OdmWriter, participants: QuerySet[Participant], statuses: Sequence[str]
) -> Counts:
    """Every participant stands in the document; returns rows and columns of each table."""
    rows = dict.fromkeys([*FORMS, *DERIVED_TABLES], 0)
    for people in _batches(participants):
        batch = _read(people, statuses)
        for person in people:
            _participant(xml, person, batch, rows)
    columns = {key: sum(one.exported for one in form.fields) for key, form in FORMS.items()}
    columns |= {key: len(derived_variables(table)) for key, table in DERIVED_TABLES.items()}
    return {key: (count, columns[key]) for key, count in rows.items()}


def _batches(participants: QuerySet[Participant]) -> Iterator[list[Participant]]:
    last = ""
    while people := list(participants.filter(code__gt=last).order_by("code")[:_AT_ONCE]):
        yield people
        last = people[-1].code


def _read(people: Sequence[Participant], statuses: Sequence[str]) -> _Batch:
    # By their keys alone: whether they may leave was asked, and asking it in every statement made each of them read
    # the forms of everybody.
    own = every_participant().filter(pk__in=[one.pk for one in people])
    batch = _Batch()
    for code, heads in groupby(
        form_heads(participants=own, statuses=statuses), key=lambda one: one.participant
    ):
        batch.heads[code] = list(heads)
    for kind in FORMS:
        for line in table_lines(kind, participants=own, statuses=statuses):
            batch.lines.setdefault(line.form_id, []).append(line)
    for row in reference_lines(participants=own):
        batch.references.setdefault(str(row["participant"]), []).append(row)
    for one in signatures_that_count(people):  # the latest one of a record stands
        signed = one.signature
        if signed.form_id is None:
            batch.signed_books[signed.participant_id] = signed
        else:
            batch.signed[signed.form_id] = signed
    return batch


def _participant(xml: OdmWriter, person: Participant, batch: _Batch, rows: dict[str, int]) -> None:
    place = f"LOC.{person.site.code}"
    with xml.element("SubjectData", SubjectKey=person.code):
        if person.pk in batch.signed_books:
            _signature(xml, batch.signed_books[person.pk], place)
        xml.empty("SiteRef", LocationOID=place)
        _derived(xml, person, batch.references.get(person.code, []), rows)
        heads = batch.heads.get(person.code, [])
        for (event, visit), group in groupby(heads, key=_event_of):
            with xml.element("StudyEventData", StudyEventOID=event, StudyEventRepeatKey=visit):
                for head in group:
                    _form(xml, head, batch)
                    rows[head.kind] += len(batch.lines.get(head.id, []))


def _event_of(head: FormHead) -> tuple[str, int | None]:
    form = FORMS[head.kind]
    return event_oid(form), head.occurrence if form.repeats else None


def _form(xml: OdmWriter, head: FormHead, batch: _Batch) -> None:
    place = f"LOC.{head.site}"
    with xml.element("FormData", FormOID=form_oid(head.kind)):
        with xml.element("AuditRecord", EditPoint="DataManagement"):
            _who_where_when(xml, head.changed_by, place, head.changed_at)
        if head.id in batch.signed:
            _signature(xml, batch.signed[head.id], place)
        with xml.element("Annotation", SeqNum=1), xml.element("Flag"):
            xml.text("FlagValue", head.status, CodeListOID=STATUS_LIST)
        for line in batch.lines.get(head.id, []):
            key = line.unit if repeats_rows(FORMS[head.kind]) else None
            with xml.element(
                "ItemGroupData", ItemGroupOID=group_oid(head.kind), ItemGroupRepeatKey=key
            ):
                _answers(xml, head.kind, line.cells)


def _answers(xml: OdmWriter, kind: str, cells: Mapping[str, Cell]) -> None:
    for one in FORMS[kind].fields:
        if not one.exported:
            continue
        value = cells.get(one.name)
        why = cells.get(f"{one.name}_absent") if one.absent else None
        oid = item_oid(kind, one.name)
        if why is not None:
            xml.empty("ItemData", ItemOID=oid, IsNull="Yes")
            xml.empty("ItemData", ItemOID=item_oid(kind, one.name, absent=True), Value=why)
        elif value is not None and one.unit:
            with xml.element("ItemData", ItemOID=oid, Value=plain(value)):
                xml.empty("MeasurementUnitRef", MeasurementUnitOID=unit_oid(one.unit))
        elif value is not None:
            xml.empty("ItemData", ItemOID=oid, Value=plain(value))


def _derived(
    xml: OdmWriter,
    person: Participant,
    references: Sequence[Mapping[str, Cell]],
    rows: dict[str, int],
) -> None:
    facts: dict[str, Any] = {
        "status": person.status,
        "sex": person.sex,
        "age_years": person.age_years,
    }
    with xml.element("StudyEventData", StudyEventOID=DERIVED):
        for key, lines in (("participant", [facts]), ("reference", references)):
            if not lines:
                continue
            rows[key] += len(lines)
            with xml.element("FormData", FormOID=form_oid(key)):
                for number, line in enumerate(lines, start=1):
                    repeat = number if key == "reference" else None
                    _derived_row(xml, key, line, repeat)


def _derived_row(xml: OdmWriter, key: str, line: Mapping[str, Cell], repeat: int | None) -> None:
    with xml.element("ItemGroupData", ItemGroupOID=group_oid(key), ItemGroupRepeatKey=repeat):
        for one in derived_variables(DERIVED_TABLES[key]):
            value = line.get(one.name)
            if value is not None:
                xml.empty("ItemData", ItemOID=item_oid(key, one.name), Value=plain(value))


def _signature(xml: OdmWriter, row: Signature, place: str) -> None:
    with xml.element("Signature"):
        xml.empty("UserRef", UserOID=f"USR.{row.signed_by_id}")
        xml.empty("LocationRef", LocationOID=place)
        xml.empty("SignatureRef", SignatureOID=f"SD.{row.meaning.upper()}")
        xml.text("DateTimeStamp", row.signed_at.isoformat(timespec="seconds"))


def _who_where_when(xml: OdmWriter, person: int, place: str, at: datetime) -> None:
    xml.empty("UserRef", UserOID=f"USR.{person}")
    xml.empty("LocationRef", LocationOID=place)
    xml.text("DateTimeStamp", at.isoformat(timespec="seconds"))


def plain(value: object) -> str:
    """A cell as ODM writes it."""
    if isinstance(value, date):
        return value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) else str(value)
