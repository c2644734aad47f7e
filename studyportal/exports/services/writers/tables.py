"""What a writer gets and what it says afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from studyportal.exports.rules import Cell, Dataset

Line = Mapping[str, Cell]


@dataclass(frozen=True)
class Table:
    """One table whose rows are read while it is written."""

    dataset: Dataset
    lines: Iterable[Line]


@dataclass(frozen=True)
class Written:
    """One table that was written; several may stand in one file."""

    table: str
    file: str
    rows: int
    columns: int
