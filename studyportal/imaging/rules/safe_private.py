"""The few private elements that may stay: SUV needs them and they can only hold a number or time.

Philips: SUV scale factor and activity concentration scale factor; GE: date and time of the scan.
"""

import math
import re
from collections.abc import Mapping
from types import MappingProxyType

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag

from studyportal.imaging.rules.element_values import BrokenValueError, shifted_datetime

PHILIPS_PET = "Philips PET Private Group"
GE_PET = "GEMS_PETD_01"
# (creator, group, last byte of the element) -> value representation
SAFE_PRIVATE: Mapping[tuple[str, int, int], str] = MappingProxyType(
    {
        (PHILIPS_PET, 0x7053, 0x00): "DS",
        (PHILIPS_PET, 0x7053, 0x09): "DS",
        (GE_PET, 0x0009, 0x0D): "DT",
    }
)
# Files exist that lost the creator element; SUV readers then look where each maker puts it.
_CUSTOMARY_CREATOR = MappingProxyType({0x7053: PHILIPS_PET, 0x0009: GE_PET})
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_FIRST_BLOCK = 0x10


def creator_of(dataset: Dataset, tag: BaseTag) -> DataElement | None:
    """A fresh creator element of the block that `tag` stands in; none outside any block."""
    block = tag.element >> 8
    creator_tag = Tag(tag.group, block)
    if block < _FIRST_BLOCK:
        return None
    if creator_tag in dataset:
        return DataElement(creator_tag, "LO", raw_text(dataset, creator_tag))
    customary = _CUSTOMARY_CREATOR.get(tag.group) if block == _FIRST_BLOCK else None
    return DataElement(creator_tag, "LO", customary) if customary else None


def safe_element(
    dataset: Dataset, tag: BaseTag, *, creator: DataElement, days: int
) -> DataElement | None:
    """The private element if it is on the list, with its date moved; none if it is not."""
    vr = SAFE_PRIVATE.get((creator.value, tag.group, tag.element & 0xFF))
    if vr is None:
        return None
    text = raw_text(dataset, tag)
    if vr == "DT":
        return DataElement(tag, vr, shifted_datetime(text, days))
    if _NUMBER.fullmatch(text) is None or not math.isfinite(float(text)):
        raise BrokenValueError("not a number")
    return DataElement(tag, vr, text)


def shifted_safe_tags(dataset: Dataset) -> list[BaseTag]:
    """The safe elements of this level that hold a date, sorted."""
    dated = {key for key, vr in SAFE_PRIVATE.items() if vr == "DT"}
    groups = {group for _, group, _ in dated}
    found = sorted(tag for tag in dataset.keys() if tag.group in groups)  # noqa: SIM118
    return [
        tag
        for tag in found
        if (creator := creator_of(dataset, tag)) is not None
        and (creator.value, tag.group, tag.element & 0xFF) in dated
    ]


def raw_text(dataset: Dataset, tag: BaseTag) -> str:
    """The stored value as text, whether pydicom has read it or it is still bytes."""
    value = dataset.get_item(tag).value
    return (value.decode("ascii") if isinstance(value, bytes) else str(value)).strip(" \0")
