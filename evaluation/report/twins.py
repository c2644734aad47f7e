"""The same numbers for machines: CSV and JSON of the rows, CSV of the points behind figures."""

import csv
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path

import pandas as pd

from evaluation.analysis import AnalysisResult, ResultRow
from evaluation.report.document import Document, Table
from evaluation.report.formats import Printed

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def neutral(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula; numbers stay numbers.

    Examples
    --------
    >>> neutral("=1+1"), neutral(-1.5)
    ("'=1+1", -1.5)
    """
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return value


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table with full precision and one line ending everywhere."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for row in rows:
            writer.writerow([neutral(cell) for cell in row])


def write_rows_csv(result: AnalysisResult, path: Path) -> None:
    """Write the result rows as CSV."""
    names = [f.name for f in fields(ResultRow)]
    write_csv(path, names, ([getattr(r, n) for n in names] for r in result.rows))


def write_rows_json(
    result: AnalysisResult, path: Path, *, title: str, provenance: Mapping[str, object]
) -> None:
    """Write title, provenance, plan digest and rows as JSON; no NaN, null where there is no number."""
    names = sorted(f.name for f in fields(ResultRow))
    head = {"plan_digest": result.plan_digest, "provenance": _plain(provenance), "title": title}
    rows = ({name: getattr(row, name) for name in names} for row in result.rows)
    _write_json(path, head, "rows", rows)


def write_tables_json(document: Document, rows: tuple[ResultRow, ...], path: Path) -> None:
    """Write every printed table; each cell with the result row it prints, at full precision."""
    by_order = {row.order: row for row in rows}
    content = [
        {
            "id": table.id, "number": number, "title": table.title, "columns": table.columns,
            "rows": [[_cell(cell, by_order) for cell in line] for line in table.rows],
            "groups": [{"before_row": at, "title": name} for at, name in table.groups],
            "notes": table.notes,
        }
        for table, number in document.numbers().items() if isinstance(table, Table)
    ]  # fmt: skip
    with path.open("w", encoding="utf-8") as file:
        file.write("[\n")
        file.write(",\n".join(map(_json, content)))
        file.write("\n]\n")


def _cell(text: str, rows: Mapping[int, ResultRow]) -> object:
    row = rows.get(text.order) if isinstance(text, Printed) else None
    if row is None:
        return {"text": text}
    numbers = {"value": row.value, "lower": row.lower, "upper": row.upper, "n": row.n}
    return {"text": text, "row": row.order, **numbers}


def write_plot_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write the points behind a figure."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([str(c) for c in frame.columns])
        columns = [_column(frame[name]) for name in frame.columns]
        writer.writerows(zip(*columns, strict=True))


def _column(values: pd.Series) -> list[object]:
    """Return a column as neutral cells; words that repeat are made neutral once."""
    if pd.api.types.is_numeric_dtype(values):
        return ["" if v != v else v for v in values.tolist()]
    if all(isinstance(v, str) for v in values):
        codes, words = pd.factorize(values)
        plain = [neutral(word) for word in words]
        return [plain[code] for code in codes]
    return [neutral(v) for v in values]


def _json(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, allow_nan=False)


def _write_json(
    path: Path, head: Mapping[str, object], name: str, entries: Iterable[object]
) -> None:
    """Write one entry a line: large files stay readable, and differences between them short."""
    with path.open("w", encoding="utf-8") as file:
        file.write("{\n")
        for key, value in head.items():
            file.write(f"{_json(key)}: {_json(value)},\n")
        file.write(f"{_json(name)}: [\n")
        file.write(",\n".join(map(_json, entries)))
        file.write("\n]\n}\n")


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    return str(value)
