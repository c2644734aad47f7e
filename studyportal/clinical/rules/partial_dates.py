"""Dates of which only the year, or year and month, are known: written as ISO 8601 writes them, never completed."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date

_WRITTEN = re.compile(r"(\d{4})(?:[-/.年](\d{1,2})(?:[-/.月](\d{1,2})日?|月)?|年)?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
EARLIEST_YEAR = 1900


@dataclass(frozen=True)
class PartialDate:
    """A day, a month or a year."""

    year: int
    month: int | None = None
    day: int | None = None

    def __str__(self) -> str:
        parts = [f"{self.year:04d}", *(f"{n:02d}" for n in (self.month, self.day) if n)]
        return "-".join(parts)

    @property
    def is_whole(self) -> bool:
        """Whether the day is known."""
        return self.day is not None

    def earliest(self) -> date:
        """The first day it can be."""
        return date(self.year, self.month or 1, self.day or 1)

    def latest(self) -> date:
        """The last day it can be."""
        month = self.month or 12
        return date(self.year, month, self.day or calendar.monthrange(self.year, month)[1])

    def surely_before(self, other: PartialDate | date) -> bool:
        """Whether it lies before the other whatever the unknown parts are."""
        return self.latest() < (other.earliest() if isinstance(other, PartialDate) else other)

    def surely_after(self, other: PartialDate | date) -> bool:
        """Whether it lies after the other whatever the unknown parts are."""
        return self.earliest() > (other.latest() if isinstance(other, PartialDate) else other)


def read_partial(text: str) -> PartialDate:
    """Return the date that is written as 2026-02-03, 2026-02 or 2026; also with slashes, dots, or as 2026年2月3日.

    Raises
    ------
    ValueError
        When it is no date.
    """
    match = _COMPACT.fullmatch(text) or _WRITTEN.fullmatch(text)
    if match is None:
        raise ValueError(text)
    year, month, day = (int(part) if part else None for part in match.groups())
    if year is None or year < EARLIEST_YEAR:
        raise ValueError(text)
    found = PartialDate(year, month, day)
    if month == 0 or day == 0:
        raise ValueError(text)
    found.earliest()  # raises where there is no such day or month
    return found
