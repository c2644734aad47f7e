"""The confidentiality table of DICOM PS3.15 (E.1-1) and what our chosen options make of it."""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

TABLE_VERSION = "PS3.15 E.1-1, 649 rows, deid-data 0.0.20"
TABLE_PATH = Path(__file__).with_name("ps315_e1_1.csv")
OPTIONS = MappingProxyType(
    {
        "113100": "Basic Application Confidentiality Profile",
        "113105": "Clean Descriptors Option",
        "113107": "Retain Longitudinal Temporal Information Modified Dates Option",
        "113108": "Retain Patient Characteristics Option",
        "113111": "Retain Safe Private Option",
    }
)
# The option would allow more (ethnic group, smoking, pregnancy); nothing here needs them.
RETAINED_CHARACTERISTICS = frozenset({"PatientSex", "PatientAge", "PatientSize", "PatientWeight"})
_PLAIN_TAG = re.compile(r"\(([0-9A-F]{4}),([0-9A-F]{4})\)")


@dataclass(frozen=True)
class ConfidentialAttribute:
    """One row of the table: what the Basic Profile does, and what each option changes."""

    tag: str
    keyword: str
    name: str
    basic: str
    options: Mapping[str, str]

    def allows(self, option: str) -> bool:
        """Whether this option lets the attribute stay, kept (K) or cleaned (C)."""
        return self.options[option] in {"K", "C"}


@cache
def table_rows() -> tuple[ConfidentialAttribute, ...]:
    """Every row of the table, in its order, the four that name a range of tags included."""
    with TABLE_PATH.open(encoding="utf-8", newline="") as lines:
        return tuple(_attribute_of(row) for row in csv.DictReader(lines))


@cache
def table_by_tag() -> Mapping[int, ConfidentialAttribute]:
    """The rows that name one tag; ranges (curves, overlays, private) are rules of their own."""
    found = {_number(row.tag): row for row in table_rows()}
    return MappingProxyType({tag: row for tag, row in found.items() if tag is not None})


def _attribute_of(row: Mapping[str, str]) -> ConfidentialAttribute:
    named = {"tag", "keyword", "name", "basic"}
    options = MappingProxyType({k: v for k, v in row.items() if k not in named})
    return ConfidentialAttribute(row["tag"], row["keyword"], row["name"], row["basic"], options)


def _number(tag: str) -> int | None:
    match = _PLAIN_TAG.fullmatch(tag)
    return int(match[1] + match[2], 16) if match else None
