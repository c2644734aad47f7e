"""SPSS, Stata and SAS XPORT: choices as numbers with labels, days as each counts them, written by ReadStat.

A table is held as columns of numbers and texts while it is written; one at a time.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat

from studyportal.clinical.rules import Kind
from studyportal.exports.rules import (
    Cell,
    Dataset,
    Variable,
    numbers_of,
    sas_days,
    sas_program,
    spss_seconds,
)
from studyportal.exports.services.writers.tables import Table, Written

_STATA_LABEL = 80  # characters
_SPSS_LABEL, _SPSS_VALUE = 255, 120  # bytes
_SAS8_LABEL, _SAS5_LABEL = 255, 40  # bytes


def write_sav(folder: Path, tables: Iterable[Table], language: str) -> Iterator[Written]:
    """One SPSS file for each table, with variable and value labels."""
    for table in tables:
        dataset = table.dataset
        frame = _frame(table, spss_seconds)
        path = folder / f"{dataset.key}.sav"
        pyreadstat.write_sav(
            frame,
            path,
            file_label=cut(dataset.title.said(language), 60),
            column_labels=_labels(dataset, language, _SPSS_LABEL),
            variable_value_labels=_value_labels(dataset, language, _SPSS_VALUE),
            variable_measure={one.name: _measure(one) for one in dataset.variables},
            variable_format=_formats(dataset, "SDATE10", decimals="F8."),
            row_compress=True,
        )
        yield Written(dataset.key, path.name, len(frame), len(frame.columns))


def write_stata(folder: Path, tables: Iterable[Table], language: str) -> Iterator[Written]:
    """One Stata file (format 118, UTF-8) for each table, with variable and value labels."""
    for table in tables:
        dataset = table.dataset
        frame = _frame(table, sas_days)
        path = folder / f"{dataset.key}.dta"
        labels: dict[str, str | None] = {
            one.name: one.said(language)[:_STATA_LABEL] for one in dataset.variables
        }
        pyreadstat.write_dta(
            frame,
            path,
            file_label=dataset.title.said(language)[:_STATA_LABEL],
            column_labels=labels,
            version=15,
            variable_value_labels=_value_labels(dataset, language, 32_000),
            variable_format=_formats(dataset, "%tdCCYY-NN-DD"),
        )
        yield Written(dataset.key, path.name, len(frame), len(frame.columns))


def write_xport8(folder: Path, tables: Iterable[Table], language: str) -> Iterator[Written]:
    """One SAS transport file of version 8 for each table, labels in UTF-8, and a program with the formats."""
    datasets = []
    for table in tables:
        dataset = table.dataset
        frame = _frame(table, sas_days)
        path = folder / f"{dataset.key}.xpt"
        pyreadstat.write_xport(
            frame,
            path,
            file_label=cut(dataset.title.en, 40),
            column_labels=_labels(dataset, language, _SAS8_LABEL),
            table_name=dataset.key,
            file_format_version=8,
            variable_format=_formats(dataset, "YYMMDD10"),
        )
        datasets.append(dataset)
        yield Written(dataset.key, path.name, len(frame), len(frame.columns))
    _program(folder, datasets, language, short=False)


def write_xport5(folder: Path, tables: Iterable[Table], language: str) -> Iterator[Written]:
    """One SAS transport file of version 5 for each table, with names of eight letters and English labels in ASCII."""
    datasets = []
    for table in tables:
        dataset = table.dataset
        short = dataset.short_names()
        frame = _frame(table, sas_days)
        path = folder / f"{dataset.short.lower()}.xpt"
        labels: dict[str, str | None] = {
            short[one.name]: cut(ascii_words(one.said("en")), _SAS5_LABEL)
            for one in dataset.variables
        }
        pyreadstat.write_xport(
            frame.rename(columns=short),
            path,
            file_label=cut(ascii_words(dataset.title.en), _SAS5_LABEL),
            column_labels=labels,
            table_name=dataset.short,
            file_format_version=5,
            variable_format={short[n]: f for n, f in _formats(dataset, "YYMMDD10").items()},
        )
        datasets.append(dataset)
        yield Written(dataset.key, path.name, len(frame), len(frame.columns))
    _program(folder, datasets, language, short=True)


def _program(folder: Path, datasets: list[Dataset], language: str, *, short: bool) -> None:
    text = sas_program(datasets, language=language, short=short)
    (folder / "formats.sas").write_text(text, encoding="utf-8")


def _frame(table: Table, counted: Callable[[date], float]) -> pd.DataFrame:
    """The table as columns of float64 and of texts; a text that is not there is empty, as these formats have it."""
    numbers: dict[str, array[float]] = {}
    texts: dict[str, list[str]] = {}
    readers: list[tuple[str, Callable[[Cell], Any], Any]] = []
    for one in table.dataset.variables:
        held: Any = array("d") if one.is_number else []
        (numbers if one.is_number else texts)[one.name] = held
        readers.append((one.name, _reader(one, counted), held))
    for line in table.lines:
        for name, read, held in readers:
            held.append(read(line.get(name)))
    columns: dict[str, Any] = {}
    for one in table.dataset.variables:
        if one.is_number:
            columns[one.name] = np.frombuffer(numbers[one.name]) if numbers[one.name] else []
        else:
            columns[one.name] = pd.Series(texts[one.name], dtype=object)
    frame = pd.DataFrame(columns)
    floats = [one.name for one in table.dataset.variables if one.is_number]
    return frame.astype(dict.fromkeys(floats, "float64"))


def _reader(one: Variable, counted: Callable[[date], float]) -> Callable[[Cell], Any]:
    numbers = numbers_of(one.codes)

    def number(cell: Cell) -> float:
        if cell is None:
            return nan
        if isinstance(cell, date):
            return counted(cell)
        return float(numbers[str(cell)]) if one.kind is Kind.CHOICE else float(cell)

    def text(cell: Cell) -> str:
        return "" if cell is None else str(cell)

    return number if one.is_number else text


def _labels(dataset: Dataset, language: str, most: int) -> dict[str, str | None]:
    return {one.name: cut(one.said(language), most) for one in dataset.variables}


def _value_labels(dataset: Dataset, language: str, most: int) -> dict[str, dict[int | float, str]]:
    return {
        one.name: {
            numbers_of(one.codes)[code.value]: cut(code.label.said(language), most)
            for code in one.codes
        }
        for one in dataset.variables
        if one.kind is Kind.CHOICE
    }


def _formats(dataset: Dataset, day: str, *, decimals: str = "") -> dict[str, str]:
    found = {one.name: day for one in dataset.variables if one.kind is Kind.DATE}
    if decimals:
        found |= {
            one.name: f"{decimals}{one.decimals if one.kind is Kind.DECIMAL else 0}"
            for one in dataset.variables
            if one.is_number and one.kind is not Kind.DATE
        }
    return found


def _measure(one: Variable) -> str:
    if one.kind in (Kind.WHOLE, Kind.DECIMAL, Kind.DATE):
        return "scale"
    return "nominal"


def cut(text: str, most: int) -> str:
    """The words in at most so many bytes of UTF-8, never through a letter."""
    return text.encode()[:most].decode(errors="ignore")


def ascii_words(text: str) -> str:
    """The words in ASCII; signs that it lacks become question marks."""
    return text.encode("ascii", "replace").decode()


__all__ = ["ascii_words", "cut", "write_sav", "write_stata", "write_xport5", "write_xport8"]
