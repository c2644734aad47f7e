"""Forms from a table: every fault of every line is found before anything is kept, and then all of it or nothing is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction

from studyportal.clinical.models import Form
from studyportal.clinical.rules import (
    FORMS,
    Change,
    Context,
    FormDefinition,
    Label,
    Nature,
    Row,
    Rows,
    TableRow,
    Value,
    computed,
    header_faults,
    judge,
    no_longer_asked,
    read,
    read_line,
    written,
)
from studyportal.clinical.selectors import context_of, records_of, rows_of
from studyportal.clinical.services.completing import complete_form
from studyportal.clinical.services.opening import add_rows, open_form
from studyportal.clinical.services.saving import save_answers
from studyportal.clinical.services.spreadsheets import read_table
from studyportal.clinical.states import FormStatus
from studyportal.core import clock
from studyportal.core.errors import Reason, Refused, refuse_if
from studyportal.core.models import User
from studyportal.participants.selectors import participants_visible_to
from studyportal.sites.rules import Action
from studyportal.sites.selectors import may

if TYPE_CHECKING:
    from studyportal.participants.models import Participant

_Key = tuple[str, int]


@dataclass(frozen=True)
class Imported:
    """What came of a table."""

    rows: int
    forms: int
    complete: int


@dataclass
class _Sheet:
    """The rows of one form of one participant, as they would stand."""

    participant: Participant
    form: Form | None
    lines: list[TableRow]


def import_forms(*, kind: str, content: bytes, name: str, by: User) -> Imported:
    """Every line of the table stands on its form; forms that are whole are complete, the others are drafts.

    Raises
    ------
    Refused
        With every fault of every line, each with its line and column; then nothing is kept.
    """
    if kind not in FORMS:
        raise Refused(Reason("form_unknown", "There is no such form."))
    definition = FORMS[kind]
    header, lines = read_table(content, name)
    refuse_if([Reason("header", fault.en) for fault in header_faults(definition, header)])
    rows = [read_line(definition, line, cells) for line, cells in lines]
    return keep_rows({kind: rows}, [], name=name, by=by)


def keep_rows(
    rows: Mapping[str, Sequence[TableRow]],
    faults: Sequence[Reason],
    *,
    name: str,
    by: User,
    named: bool = False,
) -> Imported:
    """All rows of all these forms stand, or none; for services.

    `faults` were found before; `named` says that a place names its form, too, as one file holds several.

    Raises
    ------
    Refused
        With every fault, those found before among them.
    """
    sheets = {kind: _sheets(FORMS[kind], given, by=by) for kind, given in rows.items()}
    for kind, own in sheets.items():
        for sheet in own.values():
            _judge(FORMS[kind], sheet)
    found = [
        reason
        for kind, given in rows.items()
        for row in given
        for reason in _reasons(row, f"{kind}." if named else "")
    ]
    refuse_if([*faults, *found])
    order = [(kind, key) for kind in FORMS for key in sorted(sheets.get(kind, {}))]
    with transaction.atomic():
        complete = sum(_keep(kind, key, sheets[kind][key], name=name, by=by) for kind, key in order)
    return Imported(sum(map(len, rows.values())), len(order), complete)


def _reasons(row: TableRow, form: str) -> list[Reason]:
    faults = [(f"{form}{name}" if name else "", label) for name, label in row.faults]
    return [
        Reason("line", label.en, f"line {row.line}, {column}" if column else f"line {row.line}")
        for column, label in faults
    ]


def _sheets(
    definition: FormDefinition, rows: Sequence[TableRow], *, by: User
) -> dict[_Key, _Sheet]:
    codes = {row.participant for row in rows}
    people = {one.code: one for one in participants_visible_to(by).filter(code__in=codes)}
    allowed = {
        site: may(by, Action.ENTER_CLINICAL, site=site)
        for site in {one.site for one in people.values()}
    }
    forms = {
        (form.participant_id, form.occurrence): form
        for form in Form.objects.filter(
            participant__in=people.values(), kind=definition.key
        ).select_related("participant", "participant__site", "changed_by")
    }
    sheets: dict[_Key, _Sheet] = {}
    for row in rows:
        person = people.get(row.participant)
        if person is None or not allowed[person.site]:
            if row.participant:
                row.fault(
                    "participant",
                    f"You have no participant {row.participant} whose forms you fill in.",
                    f"没有您可填写的受试者 {row.participant}。",
                )
            continue
        sheet = sheets.setdefault(
            (row.participant, row.occurrence),
            _Sheet(person, forms.get((person.pk, row.occurrence)), []),
        )
        _twice(row, sheet)
        sheet.lines.append(row)
    return sheets


def _twice(row: TableRow, sheet: _Sheet) -> None:
    same = next((one for one in sheet.lines if one.unit == row.unit), None)
    if same is not None:
        row.fault("", f"The same row stands in line {same.line}.", f"与第 {same.line} 行重复。")


def _judge(definition: FormDefinition, sheet: _Sheet) -> None:
    """What the lines of one form cannot be, together with what stands on it already."""
    standing: Mapping[str, Row] = {}
    if sheet.form is not None:
        if sheet.form.status != FormStatus.DRAFT:
            for line in sheet.lines:
                line.fault(
                    "",
                    f"The form is {sheet.form.status}. Reopen it with a reason to correct it.",
                    "该表已完成，如需更正请说明原因并重新打开。",
                )
            return
        standing = rows_of(sheet.form)
    context = _context(sheet)
    for line in sheet.lines:
        _judge_line(definition, line, standing.get(line.unit, {}), context)


def _context(sheet: _Sheet) -> Context:
    """What the checks may look at; other forms are looked at when the form is completed."""
    if sheet.form is not None:
        return context_of(sheet.form, {})
    person = sheet.participant
    return Context(clock.today(), person.sex, person.age_years, person.screening_date)


def _judge_line(
    definition: FormDefinition, line: TableRow, standing: Row, context: Context
) -> None:
    if line.faults:  # what cannot be read makes every further finding doubtful
        return
    merged: dict[str, Value] = dict(standing)
    for name, text in line.texts.items():
        value = read(definition.field(name), text)
        before = standing.get(name)
        if before not in (None, "") and written(before) != written(value):
            line.fault(
                name,
                f"The form says “{written(before)}” already. Correct it on the form.",
                f"表中已有“{written(before)}”，请在表上更正。",
            )
        merged[name] = value
    for field in no_longer_asked(definition, merged):
        if field.name in line.texts:
            line.faults.append((field.name, _not_asked(field.label)))
    for one in judge(definition, {line.unit: merged}, context):
        if one.nature is Nature.HARD:
            line.faults.append((one.field, one.text))
    _compare_followed(definition, line, merged)


def _compare_followed(definition: FormDefinition, line: TableRow, merged: Row) -> None:
    """What a file says of answers that follow from others is what follows."""
    follows = computed(definition, merged) if line.followed else {}
    for name, text in line.followed.items():
        if follows[name] != text:
            line.fault(
                name,
                f"The file says “{text}”; from the other answers follows “{follows[name]}”.",
                f"文件为“{text}”；根据其他答案应为“{follows[name]}”。",
            )


def _not_asked(label: Label) -> Label:
    return Label(
        f"{label.en} is not asked, as the other answers of the row stand.",
        f"根据本行其他答案，{label.zh}无需填写。",
    )


def _keep(kind: str, key: _Key, sheet: _Sheet, *, name: str, by: User) -> bool:
    """Whether the form is complete after the lines were kept."""
    form = open_form(
        participant=sheet.participant, kind=kind, by=by, occurrence=key[1], source=name[:60]
    )
    if FORMS[kind].rows is not Rows.ONE:
        standing = records_of(form)
        new = [line.unit for line in sheet.lines if line.unit not in standing]
        if new:
            add_rows(form=form, units=new, by=by)
    standing_rows = rows_of(form)
    changes = [
        Change(line.unit, field, written(standing_rows[line.unit].get(field)), text)
        for line in sheet.lines
        for field, text in line.texts.items()
    ]
    saved = save_answers(form=form, changes=changes, by=by)
    if saved.conflicts or saved.emptied:
        raise Refused(Reason("changed_meanwhile", f"{form} was changed meanwhile. Try again."))
    try:
        complete_form(form=form, by=by)
    except Refused:
        return False
    return True
