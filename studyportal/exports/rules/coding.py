"""Answers as each format holds them: choices as numbers where it labels numbers, days as it counts them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache

from studyportal.clinical.rules import Code

Cell = str | int | Decimal | date | None
# Answers that are none stand far from any scale, so that a mean over them is seen to be nonsense.
_APART: Mapping[str, int] = {"not_stated": 97, "not_done": 98, "unknown": 99}
_YES_NO: Mapping[str, int] = {"no": 0, "yes": 1}
SAS_STATA_EPOCH = date(1960, 1, 1)
SPSS_EPOCH = date(1582, 10, 14)
_SECONDS = 86_400.0


@cache
def numbers_of(codes: tuple[Code, ...]) -> Mapping[str, int]:
    """The number of each code, each once.

    Its own where it is one, 0 and 1 for no and yes, 97 to 99 for answers that are none, and else the next that is free.
    """
    found: dict[str, int] = {}
    for code in codes:
        if code.value.isdigit():
            found[code.value] = int(code.value)
        elif code.value in _YES_NO:
            found[code.value] = _YES_NO[code.value]
        elif code.value in _APART:
            found[code.value] = _APART[code.value]
    free = 1
    for code in codes:
        if code.value not in found:
            while free in found.values():
                free += 1
            found[code.value] = free
    return found


def spss_seconds(day: date) -> float:
    """Seconds since 14 October 1582, as SPSS counts."""
    return (day - SPSS_EPOCH).days * _SECONDS


def sas_days(day: date) -> float:
    """Days since 1 January 1960, as SAS and Stata count."""
    return float((day - SAS_STATA_EPOCH).days)
