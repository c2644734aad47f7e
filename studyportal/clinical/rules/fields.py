"""What a form is made of: fields with type, unit, range, codes and condition, in English and Chinese.

Storage, page, import template and data dictionary are read off these objects; nothing about a field stands anywhere
else. Names follow CDISC ODM where it has a word: a form holds items, an item may have a code list and a unit (UCUM).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from studyportal.clinical.rules.partial_dates import PartialDate


class Kind(StrEnum):
    """Type of an answer."""

    CHOICE = "choice"
    WHOLE = "whole"
    DECIMAL = "decimal"
    DATE = "date"
    PARTIAL_DATE = "partial_date"
    TEXT = "text"


class Absent(StrEnum):
    """Answers that stand for a value: it was not done, or nobody knows it."""

    NOT_DONE = "not_done"
    UNKNOWN = "unknown"


Value = str | int | Decimal | PartialDate | Absent | None
Row = Mapping[str, Value]


@dataclass(frozen=True)
class Label:
    """Words in both languages of the study."""

    en: str
    zh: str

    def said(self, language: str) -> str:
        """The words in this language; English where it is not Chinese."""
        return self.zh if language.startswith("zh") else self.en

    def filled(self, **values: object) -> Label:
        """The words with what they speak of."""
        return Label(self.en.format(**values), self.zh.format(**values))


@dataclass(frozen=True)
class Code:
    """One answer of a choice: what is stored and what people read."""

    value: str
    label: Label
    imported_only: bool = False


@dataclass(frozen=True)
class Condition:
    """A question that is asked only while another field has one of these answers."""

    field: str
    among: frozenset[str]


@dataclass(frozen=True)
class Field:
    """One question.

    A value outside `low` to `high` cannot be; one outside `expected` can be, and is asked about. `absent` are answers
    that may stand for a value. `computed` fields are worked out from the row and never typed.
    """

    name: str
    label: Label
    kind: Kind
    unit: str = ""
    low: float | None = None
    high: float | None = None
    expected: tuple[float, float] | None = None
    decimals: int = 0
    codes: tuple[Code, ...] = ()
    required: bool = True
    absent: frozenset[Absent] = frozenset()
    asked_if: Condition | None = None
    twice: bool = False
    longest: int = 200
    computed: Callable[[Row], str] | None = None
    exported: bool = True

    @property
    def values(self) -> tuple[str, ...]:
        """Stored codes of a choice."""
        return tuple(code.value for code in self.codes)

    def label_of(self, value: str) -> Label:
        """What people read for a stored code."""
        found = next((code.label for code in self.codes if code.value == value), None)
        return found or ABSENT_LABELS.get(value) or Label(value, value)

    def is_asked(self, row: Row) -> bool:
        """Whether the question is asked, as the other answers of the row stand."""
        return self.asked_if is None or row.get(self.asked_if.field) in self.asked_if.among


ABSENT_LABELS: Mapping[str, Label] = {
    Absent.NOT_DONE: Label("not done", "未做"),
    Absent.UNKNOWN: Label("unknown", "不详"),
}
NOT_DONE_OR_UNKNOWN = frozenset(Absent)
UNKNOWN = frozenset({Absent.UNKNOWN})
YES, NO = "yes", "no"


def codes(*rows: tuple[str, str, str]) -> tuple[Code, ...]:
    """Codes from (stored, English, Chinese)."""
    return tuple(Code(value, Label(en, zh)) for value, en, zh in rows)


UNKNOWN_CODE = Code("unknown", ABSENT_LABELS[Absent.UNKNOWN])
NOT_DONE_CODE = Code("not_done", ABSENT_LABELS[Absent.NOT_DONE])
# For facts that come in a table which does not say how they were established; a person always says it.
NOT_STATED_CODE = Code(
    "not_stated", Label("not stated (imported)", "未说明（导入）"), imported_only=True
)
YES_NO = codes((NO, "no", "否"), (YES, "yes", "是"))
YES_NO_UNKNOWN = (*YES_NO, UNKNOWN_CODE)


def when(field: str, *among: str) -> Condition:
    """Asked only while this field has one of these answers."""
    return Condition(field, frozenset(among))
