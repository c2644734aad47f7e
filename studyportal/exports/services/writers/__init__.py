"""Writers of tables, one for each format. Each gets tables one after the other and holds at most one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from studyportal.exports.services.writers.columnar import write_parquet
from studyportal.exports.services.writers.plain import write_csv, write_xlsx
from studyportal.exports.services.writers.statistics import (
    write_sav,
    write_stata,
    write_xport5,
    write_xport8,
)
from studyportal.exports.services.writers.tables import Table, Written
from studyportal.exports.states import DataFormat

Writer = Callable[[Path, Iterable[Table], str], Iterator[Written]]

WRITERS: Mapping[DataFormat, Writer] = {
    DataFormat.CSV: write_csv,
    DataFormat.XLSX: write_xlsx,
    DataFormat.PARQUET: write_parquet,
    DataFormat.XPORT5: write_xport5,
    DataFormat.XPORT8: write_xport8,
    DataFormat.SPSS: write_sav,
    DataFormat.STATA: write_stata,
}

__all__ = ["WRITERS", "Table", "Writer", "Written"]
