"""Reading single values of a DICOM header without trusting them."""

import math
from typing import Any

from pydicom import Dataset


def text(header: Dataset, keyword: str) -> str:
    """Return the value of ``keyword`` as stripped text; empty when absent or unreadable."""
    value = _value(header, keyword)
    return "" if value is None else str(value).strip(" \0")


def texts(header: Dataset, keyword: str) -> tuple[str, ...]:
    """Return the values of a multi-valued ``keyword`` as stripped texts."""
    value = _value(header, keyword)
    if value is None or value == "":
        return ()
    many = [value] if isinstance(value, str) else list(value)
    return tuple(str(v).strip(" \0") for v in many)


def number(header: Dataset, keyword: str) -> float | None:
    """Return the value of ``keyword`` as a float; None when absent or no number.

    Not-a-number and infinity are returned as they stand: the caller must refuse them.
    """
    return as_number(_value(header, keyword))


def numbers(header: Dataset, keyword: str, count: int) -> tuple[float, ...] | None:
    """Return ``count`` finite numbers of ``keyword``; None when they are not there."""
    value = _value(header, keyword)
    if value is None or isinstance(value, str | bytes) or not hasattr(value, "__len__"):
        return None
    found = [as_number(v) for v in value]
    if len(found) != count or any(v is None or not math.isfinite(v) for v in found):
        return None
    return tuple(v for v in found if v is not None)


def as_number(value: Any) -> float | None:
    """Return ``value`` as a float, or None when it is no single number."""
    if value is None or value == "":
        return None
    try:
        return float(value.decode("ascii") if isinstance(value, bytes) else value)
    except (TypeError, ValueError):
        return None


def private_value(header: Dataset, *, group: int, element: int, creator: str) -> Any:
    """Return a private element by its creator's block, else at its customary place (block 10).

    Files exist (among them published reference objects) that lost the creator element;
    the customary place is trusted only when no other creator claims it.
    """
    owners = {
        int(tag.element): str(header[tag].value).strip(" \0")
        for tag in header.keys()  # noqa: SIM118 - tags, not elements
        if tag.group == group and 0x10 <= tag.element <= 0xFF
    }
    for block, owner in owners.items():
        if owner == creator:
            return _at(header, group, (block << 8) | element)
    return None if 0x10 in owners else _at(header, group, 0x1000 | element)


def _at(header: Dataset, group: int, element: int) -> Any:
    found = header.get((group, element))
    value = None if found is None else found.value
    return value.decode("ascii", "replace").strip(" \0") if isinstance(value, bytes) else value


def _value(header: Dataset, keyword: str) -> Any:
    # A value that breaks its own VR ("abc" where a number stands) raises when it is first read.
    try:
        return header.get(keyword)
    except (ValueError, TypeError, OverflowError):
        return None
