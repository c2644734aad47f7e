"""Tables as people send them: CSV and XLSX in, templates out."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from io import BytesIO, StringIO

from openpyxl import Workbook, load_workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from studyportal.clinical.rules import FORMS, FormDefinition, Kind, Rows, template_columns
from studyportal.core.errors import Reason, Refused

LARGEST_BYTES = 10 * 2**20
_LARGEST_UNPACKED = 100 * 2**20
MOST_ROWS = 20_000
_MOST_COLUMNS = 200
Table = tuple[list[str], list[tuple[int, dict[str, str]]]]


def read_table(content: bytes, name: str) -> Table:
    """Header, and each line that is not empty with its number and cells.

    Raises
    ------
    Refused
        When it is no table in CSV (UTF-8) or XLSX, or too large.
    """
    if len(content) > LARGEST_BYTES:
        raise Refused(Reason("table_large", "The file is larger than 10 MB. Send it in parts."))
    rows = _xlsx(content) if content[:4] == b"PK\x03\x04" else _csv(content)
    return _table(rows, name)


def _csv(content: bytes) -> list[list[str]]:
    for encoding in ("utf-8-sig", "gb18030"):  # spreadsheets in China save CSV as GB 18030
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        try:
            return list(csv.reader(StringIO(text, newline=""), strict=True))
        except csv.Error:
            break
    raise _no_table()


def _xlsx(content: bytes) -> list[list[str]]:
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _LARGEST_UNPACKED:
                raise Refused(Reason("table_large", "The workbook unpacks to more than 100 MB."))
        book = load_workbook(BytesIO(content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        rows = [
            [_cell(value) for value in row]
            for row in sheet.iter_rows(
                max_row=MOST_ROWS + 2, max_col=_MOST_COLUMNS, values_only=True
            )
        ]
        book.close()
    except (zipfile.BadZipFile, KeyError, ValueError, IndexError, OSError, SyntaxError) as error:
        raise _no_table() from error
    return rows


def _no_table() -> Refused:
    return Refused(Reason("not_a_table", "The file is not a table in CSV (UTF-8) or XLSX."))


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return f"{value:.10g}"
    return str(value)


def _table(rows: list[list[str]], name: str) -> Table:
    if not rows or not any(cell.strip() for cell in rows[0]):
        raise Refused(Reason("no_header", f"{name} has no header."))
    header = [cell.strip() for cell in rows[0]]
    while header and not header[-1]:
        header.pop()
    lines: list[tuple[int, dict[str, str]]] = []
    for number, cells in enumerate(rows[1:], start=2):
        if any(cell.strip() for cell in cells):
            if any(cell.strip() for cell in cells[len(header) :]):
                sentence = f"Line {number} has more cells than the header."
                raise Refused(Reason("cells", sentence, f"line {number}"))
            lines.append((number, dict(zip(header, cells, strict=False))))
    if not lines:
        raise Refused(Reason("no_rows", f"{name} has no row below its header."))
    if len(lines) > MOST_ROWS:
        raise Refused(Reason("table_long", f"{name} has more than {MOST_ROWS} rows."))
    return header, lines


def template_csv(form: FormDefinition) -> bytes:
    """The header of the form's template; with a mark by which spreadsheets know UTF-8."""
    return "\ufeff".encode() + (",".join(template_columns(form)) + "\r\n").encode()


def template_xlsx(form: FormDefinition) -> bytes:
    """A workbook to fill in, with lists to choose from, and a sheet that explains each column in both languages."""
    book = Workbook()
    sheet = book.create_sheet(form.key, 0)
    del book["Sheet"]
    columns = template_columns(form)
    _head(sheet, columns)
    for number, column in enumerate(columns, start=1):
        _restrict(sheet, form, number, column)
    explained = book.create_sheet("columns")
    _head(explained, ("column", "English", "中文", "type", "unit", "range", "codes", "asked if"))
    for row in _explanations(form):
        explained.append(list(row))
    for number, width in enumerate((22, 34, 26, 12, 10, 14, 70, 40), start=1):
        explained.column_dimensions[get_column_letter(number)].width = width
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def _head(sheet: Worksheet, columns: Sequence[str]) -> None:
    sheet.append(list(columns))
    for number, column in enumerate(columns, start=1):
        cell = sheet.cell(1, number)
        cell.font, cell.alignment = Font(bold=True), Alignment(horizontal="left")
        sheet.column_dimensions[get_column_letter(number)].width = max(12, len(column) + 3)
    sheet.freeze_panes = "B2"


def _restrict(sheet: Worksheet, form: FormDefinition, number: int, column: str) -> None:
    """A list to choose from where the form has one; dates and numbers stay text, so that nothing is turned over."""
    letter = get_column_letter(number)
    values: Sequence[str] = ()
    if column == "row" and form.rows is Rows.NAMED:
        values = [code.value for code in form.units]
    elif column in {one.name for one in form.entered}:
        field = form.field(column)
        values = field.values if field.kind is Kind.CHOICE else ()
    text = ",".join(values)
    if values and len(text) <= 250:
        rule = DataValidation(type="list", formula1=f'"{text}"', allow_blank=True)
        sheet.add_data_validation(rule)
        rule.add(f"{letter}2:{letter}{MOST_ROWS}")
    for line in range(2, 202):
        sheet.cell(line, number).number_format = "@"


def _explanations(form: FormDefinition) -> Iterable[tuple[str, ...]]:
    yield ("participant", "Study code", "受试者编号", "text", "", "", "", "")
    if form.repeats:
        yield ("visit", "Number of the visit", "随访次数", "whole", "", "1–999", "", "")
    if form.rows is not Rows.ONE:
        units = ", ".join(code.value for code in form.units)
        yield ("row", form.row_label.en, form.row_label.zh, "text", "", "", units or "1–999", "")
    for field in form.entered:
        low, high = field.low, field.high
        span = f"{low:g}–{high:g}" if low is not None and high is not None else ""
        words = [f"{code.value}: {code.label.en} / {code.label.zh}" for code in field.codes]
        words += sorted(field.absent)
        asked = field.asked_if
        condition = f"{asked.field} = {' / '.join(sorted(asked.among))}" if asked else ""
        yield (
            field.name, field.label.en, field.label.zh, field.kind.value, field.unit, span,
            "; ".join(words), condition,
        )  # fmt: skip


def template_of(kind: str, ending: str) -> bytes | None:
    """The template of a form in this format; None when there is no such form or format."""
    makers = {"csv": template_csv, "xlsx": template_xlsx}
    if kind not in FORMS or ending not in makers:
        return None
    return makers[ending](FORMS[kind])
