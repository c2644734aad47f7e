"""Reads one row of a filled-in template: which participant, which row of the form, which answers, and every fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from studyportal.clinical.rules.answers import Unreadable, read
from studyportal.clinical.rules.fields import Label
from studyportal.clinical.rules.parts import FormDefinition, Rows

PARTICIPANT, ROW, VISIT = "participant", "row", "visit"


@dataclass
class TableRow:
    """What one line says. An empty cell says nothing."""

    line: int
    participant: str = ""
    unit: str = ""
    occurrence: int = 1
    texts: dict[str, str] = field(default_factory=dict)
    faults: list[tuple[str, Label]] = field(default_factory=list)
    # What a file says of answers that follow from others; it must agree with what follows.
    followed: dict[str, str] = field(default_factory=dict)

    def fault(self, column: str, en: str, zh: str) -> None:
        """Adds a fault of one column."""
        self.faults.append((column, Label(en, zh)))


def template_columns(form: FormDefinition) -> tuple[str, ...]:
    """The header of the form's template."""
    return (
        PARTICIPANT,
        *([VISIT] if form.repeats else []),
        *([ROW] if form.rows is not Rows.ONE else []),
        *(one.name for one in form.entered),
    )


def header_faults(form: FormDefinition, header: Sequence[str]) -> list[Label]:
    """What is wrong with the header; columns may be left out, and stand in any order."""
    known, needed = template_columns(form), [PARTICIPANT]
    needed += [name for name in (VISIT, ROW) if name in known]
    faults = [
        Label(f"The column “{name}” is missing.", f"缺少列“{name}”。")
        for name in needed
        if name not in header
    ]
    for name in dict.fromkeys(header):
        if name not in known:
            faults.append(Label(f"The column “{name}” is not known.", f"未知的列“{name}”。"))
        elif list(header).count(name) > 1:
            faults.append(Label(f"The column “{name}” stands twice.", f"列“{name}”重复。"))
    return faults


def read_line(form: FormDefinition, line: int, cells: Mapping[str, str]) -> TableRow:
    """The line with everything that is wrong with it by itself."""
    row = TableRow(line, cells.get(PARTICIPANT, "").strip())
    if not row.participant:
        row.fault(PARTICIPANT, "The study code is missing.", "缺少受试者编号。")
    if form.repeats:
        _visit(row, cells.get(VISIT, "").strip())
    if form.rows is not Rows.ONE:
        row.unit = cells.get(ROW, "").strip()
        if fault := form.unit_fault(row.unit):
            row.faults.append((ROW, fault))
    for one in form.entered:
        text = cells.get(one.name, "").strip()
        if not text:
            continue
        row.texts[one.name] = text
        try:
            read(one, text)
        except Unreadable as error:
            row.faults.append((one.name, error.why))
    return row


def _visit(row: TableRow, text: str) -> None:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 999:
        row.occurrence = int(text)
    else:
        row.fault(VISIT, "A visit is numbered from 1.", "随访次数从 1 开始编号。")
