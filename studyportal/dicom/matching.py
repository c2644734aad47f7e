"""Attribute matching of the query services: single value, list of UIDs, wildcard, range (PS3.4 C.2.2.2)."""

import re
from collections.abc import Mapping
from fnmatch import translate

from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

_LISTED = {"UI", "CS"}  # codes hold no comma; viewers ask for CT,PT
_RANGED = {"DA", "TM", "DT"}
_WITHOUT_WILDCARD = {"DA", "TM", "DT", "UI", "IS", "DS", "US", "SS", "UL", "SL", "FL", "FD", "AT"}


def matches(item: Dataset, wanted: Mapping[str, str]) -> bool:
    """Whether the dataset has every wanted value; an empty wish, or `*`, fits everything."""
    return all(_fits(item, keyword, wish) for keyword, wish in wanted.items())


def _fits(item: Dataset, keyword: str, wish: str) -> bool:
    if wish in ("", "*"):
        return True
    vr = dictionary_VR(keyword)
    values = _values(item, keyword)
    if vr in _RANGED and "-" in wish:
        low, _, high = wish.partition("-")
        return any(
            low <= value and (not high or value <= high or value.startswith(high))
            for value in values
        )
    if vr in _LISTED:
        wanted = [one.strip() for one in re.split(r"[,\\]", wish)]
        plain = {one for one in wanted if not re.search(r"[*?]", one)}
        if any(value in plain for value in values):
            return True
        if vr == "UI" or len(plain) == len(wanted):
            return False
    if vr in _WITHOUT_WILDCARD:
        return wish in values
    flags = re.IGNORECASE if vr == "PN" else 0
    # Only * and ? are wildcards in DICOM.
    pattern = re.compile(translate(wish.replace("[", "[[]")), flags)
    return any(pattern.match(value) for value in values)


def _values(item: Dataset, keyword: str) -> list[str]:
    value = item.get(keyword)
    if value is None or value == "":
        return []
    many = value if isinstance(value, MultiValue | list) else [value]
    return [str(one) for one in many]
