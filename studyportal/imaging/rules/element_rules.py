"""Which rule an element falls under, decided from its tag and depth alone."""

from enum import StrEnum
from functools import lru_cache

from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.tag import BaseTag

from studyportal.imaging.rules.confidentiality import (
    RETAINED_CHARACTERISTICS,
    ConfidentialAttribute,
    table_by_tag,
)
from studyportal.imaging.rules.image_attributes import IMAGE_ATTRIBUTES, ROOT_ONLY
from studyportal.imaging.rules.outline_attributes import OUTLINE_ATTRIBUTES
from studyportal.imaging.rules.outline_texts import OUTLINE_TEXTS

DEEPEST = 16  # sequences nested deeper than any image of the standard nests them


class Rule(StrEnum):
    """What happened to an element; reports count these."""

    PARTICIPANT_CODE = "participant-code"
    PROFILE_REMOVED = "profile-removed"
    PROFILE_EMPTIED = "profile-emptied"
    UID_REPLACED = "uid-replaced"
    DATE_SHIFTED = "date-shifted"
    CLOCK_TIME_KEPT = "clock-time-kept"
    CHARACTERISTIC_KEPT = "characteristic-kept"
    TEXT_CLEANED = "text-cleaned"
    OUTSIDE_IMAGE_REMOVED = "outside-image-removed"
    OVERLAY_REMOVED = "overlay-or-curve-removed"
    PRIVATE_REMOVED = "private-removed"
    PRIVATE_KEPT = "safe-private-kept"
    SEQUENCE_SEARCHED = "sequence-searched"
    IMAGE_ATTRIBUTE_KEPT = "image-attribute-kept"
    IDENTITY_ECHO_REMOVED = "identity-echo-removed"
    PIXEL_SURPLUS_REMOVED = "pixel-surplus-removed"
    BROKEN_REMOVED = "broken-removed"


@lru_cache(maxsize=16384)
def name_of(tag: BaseTag) -> str:
    """The keyword of the standard; else the tag, without the block number where it is private."""
    if tag.is_private:
        return f"({tag.group:04X},xx{tag.element & 0xFF:02X})"
    return keyword_for_tag(tag) or str(tag)


def rule_for(tag: BaseTag, *, depth: int, outlines: bool = False) -> Rule:
    """The rule an element of an image, or of outlines, falls under by its tag and depth (0: root), whatever its value."""
    return _rule_of(tag, nested=depth > 0, outlines=outlines)


@lru_cache(maxsize=16384)  # the slices of a series hold the same few hundred tags
def _rule_of(tag: BaseTag, *, nested: bool, outlines: bool) -> Rule:
    if tag.is_private:
        return Rule.PRIVATE_REMOVED
    if tag.group & 0xFF00 in {0x5000, 0x6000}:
        return Rule.OVERLAY_REMOVED
    row = table_by_tag().get(tag)
    keyword = keyword_for_tag(tag)
    wanted = OUTLINE_ATTRIBUTES if outlines else IMAGE_ATTRIBUTES
    if tag not in wanted or (nested and keyword in ROOT_ONLY):
        return Rule.OUTSIDE_IMAGE_REMOVED if row is None else Rule.PROFILE_REMOVED
    if keyword in {"PatientName", "PatientID"}:
        return Rule.PARTICIPANT_CODE
    if keyword in OUTLINE_TEXTS:
        return Rule.TEXT_CLEANED
    vr = dictionary_VR(tag)
    return _rule_by_kind(vr) if row is None else _rule_by_row(row, vr)


def _rule_by_kind(vr: str) -> Rule:
    """An image attribute the table does not name: its kind of value says what to do."""
    kinds = {
        "DA": Rule.DATE_SHIFTED,
        "DT": Rule.DATE_SHIFTED,
        "TM": Rule.CLOCK_TIME_KEPT,
        "UI": Rule.UID_REPLACED,
        "SQ": Rule.SEQUENCE_SEARCHED,
    }
    return kinds.get(vr, Rule.IMAGE_ATTRIBUTE_KEPT)


def _rule_by_row(row: ConfidentialAttribute, vr: str) -> Rule:
    """An image attribute the table names: a claimed option first, else the Basic Profile."""
    if row.allows("modified_dates"):
        return Rule.DATE_SHIFTED if vr in {"DA", "DT"} else Rule.CLOCK_TIME_KEPT
    if row.allows("patient") and row.keyword in RETAINED_CHARACTERISTICS:
        return Rule.CHARACTERISTIC_KEPT
    if row.allows("descriptors"):
        return Rule.TEXT_CLEANED
    if "U" in row.basic:
        return Rule.SEQUENCE_SEARCHED if vr == "SQ" else Rule.UID_REPLACED
    return Rule.PROFILE_EMPTIED if "Z" in row.basic else Rule.PROFILE_REMOVED
