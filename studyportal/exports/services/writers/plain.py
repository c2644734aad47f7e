"""CSV and XLSX: codes as they are stored, days as ISO 8601, texts that a spreadsheet would run made harmless."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from studyportal.core.errors import Reason, Refused
from studyportal.exports.rules import (
    CODES,
    COLUMNS,
    Cell,
    code_rows,
    dictionary_rows,
    neutral,
    written_safe,
)
from studyportal.exports.services.writers.tables import Table, Written

MOST_SHEET_ROWS = 1_048_575  # below the header
WORKBOOK = "data.xlsx"


def write_csv(folder: Path, tables: Iterable[Table], _language: str) -> Iterator[Written]:
    """One file for each table: UTF-8, CRLF, a header, nothing where there is no value."""
    for table in tables:
        names = [one.name for one in table.dataset.variables]
        path, rows = folder / f"{table.dataset.key}.csv", 0
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\r\n")
            writer.writerow(names)
            for line in table.lines:
                writer.writerow([neutral(written_safe(line.get(name))) for name in names])
                rows += 1
        yield Written(table.dataset.key, path.name, rows, len(names))


def write_xlsx(folder: Path, tables: Iterable[Table], language: str) -> Iterator[Written]:
    """One workbook with a sheet for each table and two that explain them.

    Raises
    ------
    Refused
        When a table has more rows than a sheet can hold.
    """
    book = Workbook(write_only=True)
    written = [_sheet(book.create_sheet(table.dataset.key), table, language) for table in tables]
    _explain(book.create_sheet("data_dictionary"), COLUMNS, dictionary_rows())
    _explain(book.create_sheet("codes"), CODES, code_rows())
    book.save(folder / WORKBOOK)
    yield from written


def _sheet(sheet: WriteOnlyWorksheet, table: Table, language: str) -> Written:
    variables = table.dataset.variables
    sheet.freeze_panes = "B2"
    heads = []
    for one in variables:
        head = WriteOnlyCell(sheet, one.name)
        head.font = Font(bold=True)
        heads.append(head)
    sheet.append(heads)
    rows = 0
    for line in table.lines:
        rows += 1
        if rows > MOST_SHEET_ROWS:
            sentence = f"{table.dataset.title.said(language)} has more rows than a sheet can hold. Choose another format."
            raise Refused(Reason("sheet_full", sentence))
        sheet.append([_cell(sheet, line.get(one.name)) for one in variables])
    return Written(table.dataset.key, WORKBOOK, rows, len(variables))


def _cell(sheet: WriteOnlyWorksheet, value: Cell) -> object:
    if isinstance(value, str):
        return _text(sheet, value)
    return float(value) if isinstance(value, Decimal) else value


def _text(sheet: WriteOnlyWorksheet, value: str) -> object:
    cell = WriteOnlyCell(sheet, str(neutral(written_safe(value))))
    cell.data_type = "s"  # a text, whatever it begins with
    return cell


def _explain(
    sheet: WriteOnlyWorksheet, columns: Iterable[str], rows: Iterable[dict[str, object]]
) -> None:
    names = list(columns)
    sheet.freeze_panes = "A2"
    sheet.append(names)
    for row in rows:
        values = (row.get(name) for name in names)
        sheet.append([_text(sheet, v) if isinstance(v, str) else v for v in values])
