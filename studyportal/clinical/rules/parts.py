"""A form: its fields, what its rows stand for, and its edit checks in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from studyportal.clinical.rules.fields import Absent, Code, Field, Kind, Label, Row
from studyportal.clinical.rules.partial_dates import PartialDate


class Rows(StrEnum):
    """What the rows of a form stand for."""

    ONE = "one"  # the form has one row
    NUMBERED = "numbered"  # lesion 1, 2 …; specimen 1, 2 …
    NAMED = "named"  # one row for each of a list: nodal stations, organ sites


@dataclass(frozen=True)
class Context:
    """What a check may look at besides the row: the participant, the other forms, the day.

    `others` holds the rows of the participant's other forms: form → unit → row; the visits of
    a form that is filled in again stand under their numbers.
    """

    today: date
    sex: str = ""
    age_years: int | None = None
    screening_date: date | None = None
    others: Mapping[str, Mapping[str, Row]] = field(default_factory=dict)
    # Which visit of a form that is filled in again and again.
    occurrence: int = 1


Finds = Callable[[str, Row, Context], bool]


@dataclass(frozen=True)
class Check:
    """An edit check. A hard one cannot be kept; a soft one is asked about in a data query.

    `finds` gets the unit of the row, the row and the context, and says whether the fault is there.
    """

    id: str
    field: str
    sentence: Label
    finds: Finds
    hard: bool = False


_ROW, _NONE = Label("Row", "行"), Label("", "")


@dataclass(frozen=True)
class FormDefinition:
    """One case report form."""

    key: str
    title: Label
    fields: tuple[Field, ...]
    rows: Rows = Rows.ONE
    row_label: Label = _ROW
    units: tuple[Code, ...] = ()
    repeats: bool = False
    expected: bool = True
    looks_at: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    guide: Label = _NONE

    def field(self, name: str) -> Field:
        """The field of this name.

        Raises
        ------
        KeyError
            When there is none.
        """
        return self._by_name[name]

    @property
    def _by_name(self) -> Mapping[str, Field]:
        return {one.name: one for one in self.fields}

    @property
    def entered(self) -> tuple[Field, ...]:
        """Fields that are typed; the others are computed."""
        return tuple(one for one in self.fields if one.computed is None)

    @property
    def twice(self) -> tuple[Field, ...]:
        """Fields that a second person enters again without seeing the first entry."""
        return tuple(one for one in self.fields if one.twice)

    def unit_fault(self, unit: str) -> Label | None:
        """Why a row cannot be called so; None when it can."""
        if self.rows is Rows.ONE:
            return Label("This form has one row.", "此表只有一行。") if unit else None
        if self.rows is Rows.NAMED:
            if unit in {code.value for code in self.units}:
                return None
            return Label(f"“{unit}” is not one of the list.", f"“{unit}”不在列表中。")
        if unit.isascii() and unit.isdigit() and unit == str(int(unit)) and 1 <= int(unit) <= 999:
            return None
        return Label("A row is numbered from 1 to 999.", "行号为 1 至 999。")

    def unit_label(self, unit: str) -> Label:
        """What people call a row."""
        for code in self.units:
            if code.value == unit:
                return code.label
        return Label(f"{self.row_label.en} {unit}".strip(), f"{self.row_label.zh} {unit}".strip())


def after_today(name: str) -> Finds:
    """Finds a date in the future."""

    def finds(_unit: str, row: Row, context: Context) -> bool:
        value = row.get(name)
        return isinstance(value, PartialDate) and value.surely_after(context.today)

    return finds


def before(first: str, second: str) -> Finds:
    """Finds a first date that surely lies after the second."""

    def finds(_unit: str, row: Row, _context: Context) -> bool:
        one, other = row.get(first), row.get(second)
        return (
            isinstance(one, PartialDate)
            and isinstance(other, PartialDate)
            and one.surely_after(other)
        )

    return finds


def greater(first: str, second: str) -> Finds:
    """Finds a first number greater than the second."""

    def finds(_unit: str, row: Row, _context: Context) -> bool:
        one, other = row.get(first), row.get(second)
        if one is None or other is None or isinstance(one, Absent) or isinstance(other, Absent):
            return False
        return float(str(one)) > float(str(other))

    return finds


def future_checks(*fields: Field) -> tuple[Check, ...]:
    """For every date that it does not lie in the future."""
    return tuple(
        Check(
            "future",
            one.name,
            Label(f"{one.label.en} lies in the future.", f"{one.label.zh}在将来。"),
            after_today(one.name),
            hard=True,
        )
        for one in fields
        if one.kind in (Kind.DATE, Kind.PARTIAL_DATE)
    )
