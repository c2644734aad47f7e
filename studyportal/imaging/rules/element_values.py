"""Values as de-identification leaves them: dates, clock times, ages; a broken one raises."""

import re
from datetime import date, timedelta

from pydicom.datadict import dictionary_VM
from pydicom.dataelem import DataElement
from pydicom.multival import MultiValue

OLDEST_YEARS_TOLD = 89
OLDER_AGE = "090Y"  # stands for "90 or older", who are too few to hide among
_DATE = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})")  # ACR-NEMA wrote dots
_DATETIME = re.compile(r"(\d{8})((?:\d{2}){0,3}(?:\.\d{1,6})?(?:[+-]\d{4})?)")
_TIME = re.compile(r"\d{2}:?(?:\d{2}:?(?:\d{2}(?:\.\d{1,6})?)?)?")
_ZONE = re.compile(r"[+-]\d{4}")
_AGE = re.compile(r"(\d{1,3})([YMWD])")
_NUMERIC_TEXT = frozenset({"DS", "IS"})
_BINARY_NUMBERS = frozenset({"US", "SS", "UL", "SL", "UV", "SV", "FL", "FD"})
_TEXT = frozenset({"LO", "SH", "ST", "LT", "UT", "UC", "CS"})
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")  # tab and line ends are text
_PER_YEAR = {"Y": 1.0, "M": 12.0, "W": 52.1775, "D": 365.2425}


class BrokenValueError(ValueError):
    """A value is not of its kind; the message never repeats it."""


def texts_of(element: DataElement) -> list[str]:
    """The values of an element as stripped text; none where it is empty."""
    values = _values_of(element)
    if any(isinstance(one, bytes) for one in values):
        raise BrokenValueError("bytes in the place of text")
    return [str(one).strip(" \0") for one in values]


def _values_of(element: DataElement) -> list[object]:
    value = element.value
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, (MultiValue, list, tuple)) else [value]


def check_kind(element: DataElement) -> None:
    """Raise where the value is not of the element's kind.

    pydicom reads a number it cannot parse as text of another kind, without saying so: a name
    in the place of a weight would come through.
    """
    if element.VR in _NUMERIC_TEXT:
        for text in texts_of(element):
            float(text or "nan")
    elif element.VR in _BINARY_NUMBERS:
        _check_numbers(element)
    elif element.VR in _TEXT and any(map(_CONTROL.search, texts_of(element))):
        # A wrong length makes one text swallow the elements behind it, names among them.
        raise BrokenValueError("control characters in text")


def _check_numbers(element: DataElement) -> None:
    values, wanted = _values_of(element), dictionary_VM(element.tag)
    if not all(isinstance(one, (int, float)) for one in values):
        raise BrokenValueError("not a number")
    if wanted.isdigit() and len(values) not in {0, int(wanted)}:
        raise BrokenValueError("another count of numbers than the standard says")


def shifted_date(text: str, days: int) -> str:
    """A DICOM date moved by whole days."""
    match = _DATE.fullmatch(text)
    if match is None:
        raise BrokenValueError("not a date")
    year, month, day = (int(part) for part in match.groups())
    return (date(year, month, day) + timedelta(days=days)).strftime("%Y%m%d").zfill(8)


def shifted_datetime(text: str, days: int) -> str:
    """A DICOM date-time whose date moved by whole days; the clock and zone stand unchanged."""
    match = _DATETIME.fullmatch(text)
    if match is None:  # a bare year or month cannot move by days
        raise BrokenValueError("not a full date-time")
    return shifted_date(match[1], days) + match[2]


def checked_time(text: str) -> str:
    """The clock time itself, once it is seen to be one and not text in its place."""
    if _TIME.fullmatch(text) is None and _ZONE.fullmatch(text) is None:
        raise BrokenValueError("not a clock time")
    return text


def capped_age(text: str) -> str:
    """Age as four characters; above 89 years always 090Y."""
    match = _AGE.fullmatch(text)
    if match is None:
        raise BrokenValueError("not an age")
    years = int(match[1]) / _PER_YEAR[match[2]]
    return OLDER_AGE if years >= OLDEST_YEARS_TOLD + 1 else f"{int(match[1]):03d}{match[2]}"
