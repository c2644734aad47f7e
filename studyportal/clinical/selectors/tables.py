"""Forms as tables, row after row, for what leaves: little of it is in memory at any time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING, Any
from uuid import UUID

from studyportal.clinical.models import RECORDS, Form, ReferenceStandard, Signature
from studyportal.clinical.models.columns import absent_column
from studyportal.clinical.rules import FORMS
from studyportal.clinical.selectors.rows import unit_order
from studyportal.clinical.selectors.signatures import CheckedSignature, checked, every_signature

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from studyportal.participants.models import Participant

Cell = str | int | Decimal | date | None
_AT_ONCE = 2000


@dataclass(frozen=True)
class TableLine:
    """One row of one form, with the answers that may leave; `x_absent` says why there is no x."""

    participant: str
    site: str
    occurrence: int
    status: str
    form_id: UUID
    unit: str
    cells: dict[str, Cell]


@dataclass(frozen=True)
class FormHead:
    """A form without its answers."""

    id: UUID
    participant: str
    site: str
    kind: str
    occurrence: int
    status: str
    definition: str
    changed_at: datetime
    changed_by: int


def table_lines(
    kind: str, *, participants: QuerySet[Participant], statuses: Collection[str]
) -> Iterator[TableLine]:
    """Rows of one form that count, by participant, visit and row."""
    form = FORMS[kind]
    names = [field.name for field in form.fields if field.exported]
    names += [absent_column(field) for field in form.fields if field.exported and field.absent]
    rows: QuerySet[Any] = RECORDS[kind].objects.filter(  # type: ignore[attr-defined]  # abstract
        void_reason="", form__participant__in=participants, form__status__in=statuses
    )
    ordered = rows.order_by("form__participant__code", "form__occurrence", "unit").values_list(
        "form__participant__code",
        "form__participant__site__code",
        "form__occurrence",
        "form__status",
        "form_id",
        "unit",
        *names,
    )
    read = ordered.iterator(chunk_size=_AT_ONCE)
    for _form, group in groupby(read, key=lambda row: row[4]):
        for row in sorted(group, key=lambda row: unit_order(kind, row[5])):
            code, site, occurrence, status, form_id, unit, *answers = row
            cells = {
                name: None if cell == "" else cell
                for name, cell in zip(names, answers, strict=True)
            }
            yield TableLine(code, site, occurrence, status, form_id, unit, cells)


def form_heads(
    *, participants: QuerySet[Participant], statuses: Collection[str]
) -> Iterator[FormHead]:
    """Forms of these participants, by participant, in the order in which they are filled in."""
    rows = Form.objects.filter(participant__in=participants, status__in=statuses)
    place = {key: number for number, key in enumerate(FORMS)}
    ordered = rows.order_by("participant__code").values_list(
        "id",
        "participant__code",
        "participant__site__code",
        "kind",
        "occurrence",
        "status",
        "definition",
        "changed_at",
        "changed_by_id",
    )
    for _code, group in groupby(ordered.iterator(chunk_size=_AT_ONCE), key=lambda row: row[1]):
        for row in sorted(group, key=lambda row: (place[row[3]], row[4])):
            yield FormHead(*row)


def reference_lines(*, participants: QuerySet[Participant]) -> Iterator[dict[str, Cell]]:
    """Reference standards that stand, by participant."""
    rows = ReferenceStandard.objects.filter(participant__in=participants, superseded_at=None)
    names = ("condition", "unit", "unit_id", "status", "certainty", "rule", "source")
    ordered = rows.order_by("participant__code", "condition", "unit", "unit_id", "id").values_list(
        "participant__code", "participant__site__code", *names
    )
    for row in ordered.iterator(chunk_size=_AT_ONCE):
        cells = dict(zip(names, (None if cell == "" else cell for cell in row[2:]), strict=True))
        yield {"participant": row[0], "site": row[1], **cells}


def signatures_that_count(participants: Sequence[Participant]) -> list[CheckedSignature]:
    """Signatures on records of these participants that stand and agree with their records, oldest first."""
    rows = every_signature().filter(participant__in=participants, voided_at=None)
    return [one for one in checked(rows) if one.counts]


def people_of(*, participants: QuerySet[Participant]) -> list[int]:
    """Keys of everybody who last changed a form of these participants, or signed."""
    changed = Form.objects.filter(participant__in=participants).order_by()
    signed = Signature.objects.filter(participant__in=participants).order_by()
    found = {*changed.values_list("changed_by_id", flat=True).distinct()}
    return sorted(found | {*signed.values_list("signed_by_id", flat=True).distinct()})
