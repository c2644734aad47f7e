"""Reads the tables of a study from a folder of CSV files, for use without the portal."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from evaluation.analysis.tables import COLUMNS, NUMBERS, STEPS, Tables, TablesError

_YES, _NO = {"true", "1", "yes"}, {"false", "0", "no", ""}


def read_tables(folder: Path) -> Tables:
    """Return the tables from ``participants.csv``, ``measurements.csv`` and so on.

    An empty cell is a missing number or an empty text; yes/no columns take true, false, 1, 0, yes,
    no.

    Raises
    ------
    TablesError
        When a file is missing or a cell cannot be read, naming file, line and column.
    """
    return Tables(**{name: _read(folder / f"{name}.csv") for name in COLUMNS})


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise TablesError(f"there is no file {path.name} in the folder of tables")
    frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    for column in frame.columns:
        if column in STEPS:
            frame[column] = _parsed(frame[column], path.name, _truth)
        elif column in NUMBERS:
            frame[column] = _parsed(frame[column], path.name, _number)
    return frame


def _parsed(cells: pd.Series, file: str, parse: Callable[[str], object]) -> pd.Series:
    values: list[object] = []
    for line, cell in enumerate(cells, start=2):
        try:
            values.append(parse(cell))
        except ValueError as error:
            raise TablesError(f"{file}, line {line}, {cells.name}: {error}") from error
    return pd.Series(values, index=cells.index)


def _truth(cell: str) -> bool:
    word = cell.strip().lower()
    if word not in _YES | _NO:
        raise ValueError(f"{cell!r} is neither true nor false")
    return word in _YES


def _number(cell: str) -> float:
    try:
        return float(cell) if cell.strip() else float("nan")
    except ValueError:
        raise ValueError(f"{cell!r} is no number") from None
