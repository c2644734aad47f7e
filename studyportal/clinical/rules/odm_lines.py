"""Reads what a file in ODM says: which of our questions each item answers, in which unit, and every fault of a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from studyportal.clinical.rules.definitions import FORMS
from studyportal.clinical.rules.fields import Absent, Field
from studyportal.clinical.rules.import_rows import PARTICIPANT, ROW, VISIT, TableRow, read_line
from studyportal.clinical.rules.odm import (
    ODM_FORMS,
    ODM_ITEMS,
    ODM_NAMES,
    OdmItem,
    repeats_rows,
    unit_oid,
)
from studyportal.clinical.rules.parts import FormDefinition


@dataclass
class OdmAnswer:
    """One item as it was sent."""

    oid: str
    text: str
    unit: str = ""
    is_null: bool = False


@dataclass
class OdmRow:
    """One group of items as it was sent, and where it stands."""

    line: int
    participant: str
    form: str
    visit: str
    key: str
    answers: list[OdmAnswer] = field(default_factory=list)


@dataclass
class OdmWords:
    """What the definitions of a file say: protocols of studies, and what its items, forms and units are."""

    protocols: dict[str, str] = field(default_factory=dict)
    form_names: dict[str, str] = field(default_factory=dict)
    item_names: dict[str, str] = field(default_factory=dict)
    item_units: dict[str, list[str]] = field(default_factory=dict)
    unit_names: dict[str, set[str]] = field(default_factory=dict)

    def form_of(self, oid: str) -> str | None:
        """The form that this one is, by its alias or by its identifier; None where it is none of ours."""
        named = self.form_names.get(oid)
        return named if named in FORMS else ODM_FORMS.get(oid)

    def item_of(self, oid: str) -> OdmItem | None:
        """The question that this item answers, likewise."""
        return ODM_NAMES.get(self.item_names.get(oid, "")) or ODM_ITEMS.get(oid)


def read_odm_row(row: OdmRow, kind: str, words: OdmWords) -> TableRow:
    """The row with everything that is wrong with it by itself."""
    form = FORMS[kind]
    cells = {PARTICIPANT: row.participant}
    if form.repeats:
        cells[VISIT] = row.visit
    if repeats_rows(form):
        cells[ROW] = row.key
    faults = TableRow(row.line)
    followed: dict[str, str] = {}
    for answer in row.answers:
        _answer(answer, form, words, _Target(cells, followed, faults))
    read = read_line(form, row.line, cells)
    read.faults = [*faults.faults, *read.faults]
    read.followed = followed
    return read


@dataclass
class _Target:
    cells: dict[str, str]
    followed: dict[str, str]
    faults: TableRow


def _answer(answer: OdmAnswer, form: FormDefinition, words: OdmWords, into: _Target) -> None:
    item = words.item_of(answer.oid)
    if item is None or item.form != form.key:
        into.faults.fault(
            answer.oid, "This item is no question of the form.", "该项不是此表的问题。"
        )
        return
    if answer.is_null or not answer.text.strip():
        return
    asked = form.field(item.field)
    if asked.computed is not None:
        into.followed[asked.name] = answer.text.strip()
    elif item.absent:
        _why_none(answer, asked, into)
    elif asked.name in into.cells:
        into.faults.fault(asked.name, "The answer stands twice in the row.", "本行中该答案重复。")
    else:
        into.cells[asked.name] = answer.text
        _unit(answer, asked, words, into.faults)


def _why_none(answer: OdmAnswer, asked: Field, into: _Target) -> None:
    if answer.text.strip() not in {one.value for one in Absent}:
        into.faults.fault(
            asked.name,
            f"“{answer.text}” is no reason for a missing value: not_done or unknown.",
            f"“{answer.text}”不是缺失原因。",
        )
    elif asked.name in into.cells:
        into.faults.fault(
            asked.name,
            "There is a value, and a reason why there is none.",
            "既有值，又有无值原因。",
        )
    else:
        into.cells[asked.name] = answer.text.strip()


def _unit(answer: OdmAnswer, asked: Field, words: OdmWords, faults: TableRow) -> None:
    """A number comes in our unit, or it does not come: nothing is converted and no unit is guessed."""
    if not asked.unit:
        return
    said = [answer.unit] if answer.unit else words.item_units.get(answer.oid, [])
    if not said and answer.oid in ODM_ITEMS and answer.oid not in words.item_names:
        return  # our own item without a definition beside it: its unit is ours
    if len(said) == 1 and asked.unit in _names(said[0], words.unit_names):
        return
    if len(said) == 1:
        sent = min(_names(said[0], words.unit_names))
        faults.fault(
            asked.name,
            f"The value comes in “{sent}”; this study keeps it in {asked.unit}.",
            f"数值单位为“{sent}”；本研究使用 {asked.unit}。",
        )
        return
    faults.fault(
        asked.name,
        f"The file does not say in which unit the value is; this study keeps it in {asked.unit}.",
        f"文件未说明数值单位；本研究使用 {asked.unit}。",
    )


def _names(oid: str, named: Mapping[str, set[str]]) -> set[str]:
    """What a unit is called: by the file's definition, or by our own identifier where it defines none."""
    return named.get(oid) or {oid.removeprefix(unit_oid(""))}
