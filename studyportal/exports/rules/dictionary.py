"""The data dictionary of an export of clinical data: every column and every code, in English and Chinese."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from studyportal.clinical.rules import Kind
from studyportal.exports.rules.coding import numbers_of
from studyportal.exports.rules.datasets import DATASETS, Dataset, Variable
from studyportal.exports.rules.tables import as_csv

# Spreadsheets know UTF-8 by it; the dictionary holds Chinese words and is read by people.
_MARK = "\ufeff".encode()
COLUMNS = (
    "table", "name", "short_name", "label_en", "label_zh", "type", "unit", "lowest", "highest",
    "decimals", "required", "asked_if", "why_no_value", "source",
)  # fmt: skip
CODES = ("table", "name", "code", "number", "label_en", "label_zh")


def dictionary_rows(datasets: Iterable[Dataset] = ()) -> Iterator[dict[str, object]]:
    """One row for each column of each table; all tables where none is named."""
    for dataset in datasets or DATASETS.values():
        short = dataset.short_names()
        for one in dataset.variables:
            yield {**_described(one), "table": dataset.key, "short_name": short[one.name]}


def _described(one: Variable) -> dict[str, object]:
    field = one.field
    asked = field.asked_if if field else None
    return {
        "name": one.name,
        "label_en": one.label.en,
        "label_zh": one.label.zh,
        "type": one.kind.value,
        "unit": one.unit,
        "lowest": field.low if field else None,
        "highest": field.high if field else None,
        "decimals": one.decimals if one.kind is Kind.DECIMAL else None,
        "required": "" if field is None else ("yes" if field.required else "no"),
        "asked_if": f"{asked.field} = {' / '.join(sorted(asked.among))}" if asked else "",
        "why_no_value": f"{one.name}_absent" if field and field.absent else "",
        "source": ".".join(one.source),
    }


def code_rows(datasets: Iterable[Dataset] = ()) -> Iterator[dict[str, object]]:
    """One row for each code of each choice, with the number that statistics packages hold for it."""
    for dataset in datasets or DATASETS.values():
        for one in dataset.variables:
            numbers = numbers_of(one.codes)
            for code in one.codes:
                yield {
                    "table": dataset.key,
                    "name": one.name,
                    "code": code.value,
                    "number": numbers[code.value],
                    "label_en": code.label.en,
                    "label_zh": code.label.zh,
                }


def columns_csv() -> bytes:
    """Every column of every table."""
    return _MARK + as_csv(COLUMNS, dictionary_rows())


def codes_csv() -> bytes:
    """Every code of every choice."""
    return _MARK + as_csv(CODES, code_rows())
