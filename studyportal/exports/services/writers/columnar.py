"""Apache Parquet: typed columns, with words, units and codes in the metadata of each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from studyportal.clinical.rules import Kind
from studyportal.exports.rules import Cell, Dataset, Variable
from studyportal.exports.services.writers.tables import Line, Table, Written

_AT_ONCE = 5000
_TYPES = {
    Kind.CHOICE: pa.string(),
    Kind.WHOLE: pa.int32(),
    Kind.DECIMAL: pa.float64(),
    Kind.DATE: pa.date32(),
    Kind.PARTIAL_DATE: pa.string(),
    Kind.TEXT: pa.string(),
}


def write_parquet(folder: Path, tables: Iterable[Table], language: str) -> Iterator[Written]:
    """One file for each table, written in groups of rows."""
    for table in tables:
        schema = _schema(table.dataset, language)
        path, rows = folder / f"{table.dataset.key}.parquet", 0
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            left = iter(table.lines)
            while lines := list(islice(left, _AT_ONCE)):
                writer.write_table(_columns(table.dataset, lines, schema))
                rows += len(lines)
        yield Written(table.dataset.key, path.name, rows, len(table.dataset.variables))


def _schema(dataset: Dataset, language: str) -> pa.Schema:
    fields = [
        pa.field(one.name, _TYPES[one.kind], metadata=_metadata(one)) for one in dataset.variables
    ]
    return pa.schema(fields, metadata={"title": dataset.title.said(language)})


def _metadata(one: Variable) -> dict[str, str]:
    codes = {code.value: {"en": code.label.en, "zh": code.label.zh} for code in one.codes}
    found = {"label_en": one.label.en, "label_zh": one.label.zh, "unit": one.unit}
    if codes:
        found["codes"] = json.dumps(codes, ensure_ascii=False)
    return {name: text for name, text in found.items() if text}


def _columns(dataset: Dataset, lines: Sequence[Line], schema: pa.Schema) -> pa.Table:
    arrays = [
        pa.array([_value(line.get(one.name)) for line in lines], type=_TYPES[one.kind])
        for one in dataset.variables
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _value(cell: Cell) -> object:
    return float(cell) if isinstance(cell, Decimal) else cell
