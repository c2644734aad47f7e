"""Reads the reference standard as it is written in a cases file, and says what is wrong with it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from studyportal.core.errors import Reason


class TargetCondition(StrEnum):
    MALIGNANCY = "malignancy"
    NODAL_METASTASIS = "nodal_metastasis"
    DISTANT_METASTASIS = "distant_metastasis"


class Unit(StrEnum):
    LESION = "lesion"
    STATION = "station"
    PARTICIPANT = "participant"


class ReferenceStatus(StrEnum):
    POSITIVE = "positive"
    NEGATIVE = "negative"
    INDETERMINATE = "indeterminate"


# Units at which each target condition is judged (protocol: malignancy per lesion, because every participant has cancer).
UNITS = {
    TargetCondition.MALIGNANCY: frozenset({Unit.LESION}),
    TargetCondition.NODAL_METASTASIS: frozenset({Unit.STATION, Unit.PARTICIPANT}),
    TargetCondition.DISTANT_METASTASIS: frozenset({Unit.PARTICIPANT}),
}
# Regional lymph node stations of the IASLC map.
STATIONS = frozenset(
    {"1R", "1L", "2R", "2L", "3A", "3P", "4R", "4L", "5", "6", "7", "8", "9"}
    | {f"{number}{side}" for number in (10, 11, 12, 13, 14) for side in ("R", "L")}
    | {"8R", "8L", "9R", "9L"}
)


@dataclass(frozen=True)
class ReferenceEntry:
    """The reference standard of one target condition for one unit."""

    condition: TargetCondition
    unit: Unit
    unit_id: str
    status: ReferenceStatus


# Written in one way only, so that lesion 1 and lesion 01 cannot be two.
_LESION_NUMBER = re.compile(r"[1-9][0-9]{0,2}")
_ENTRY = re.compile(r"^(?P<condition>\w+)/(?P<unit>\w+)/(?P<unit_id>[\w.-]*)=(?P<status>\w+)$")


def read_reference(text: str) -> tuple[list[ReferenceEntry], list[Reason]]:
    """Return entries and faults of `condition/unit/unit_id=status;…`."""
    entries: list[ReferenceEntry] = []
    faults: list[Reason] = []
    for part in filter(None, (piece.strip() for piece in text.split(";"))):
        entry = _read_entry(part, faults)
        if entry is not None:
            entries.append(entry)
    return entries, [*faults, *_twice(entries)]


def _read_entry(part: str, faults: list[Reason]) -> ReferenceEntry | None:
    match = _ENTRY.match(part)
    if match is None:
        faults.append(
            Reason(
                "reference_form",
                f"“{part}” is not of the form condition/unit/id=status.",
                "reference_standard",
            )
        )
        return None
    try:
        entry = ReferenceEntry(
            TargetCondition(match["condition"]),
            Unit(match["unit"]),
            match["unit_id"],
            ReferenceStatus(match["status"]),
        )
    except ValueError as error:
        faults.append(Reason("reference_word", f"“{part}”: {error}.", "reference_standard"))
        return None
    if fault := unit_fault(entry.condition, entry.unit, entry.unit_id):
        faults.append(Reason("reference_unit", f"“{part}”: {fault}", "reference_standard"))
        return None
    return entry


def unit_fault(condition: TargetCondition, unit: Unit, unit_id: str) -> str:
    """Why this condition cannot be judged on this unit; empty when it can."""
    if unit not in UNITS[condition]:
        return f"{condition.replace('_', ' ')} is judged per {' or '.join(sorted(UNITS[condition]))}, not per {unit}."
    if unit == Unit.LESION and not _LESION_NUMBER.fullmatch(unit_id):
        return "a lesion is named by its number, from 1 to 999."
    if unit == Unit.STATION and unit_id not in STATIONS:
        return f"{unit_id} is not a station of the IASLC map."
    if unit == Unit.PARTICIPANT and unit_id:
        return "a participant needs no id of its own."
    return ""


def _twice(entries: Iterable[ReferenceEntry]) -> list[Reason]:
    seen, faults = set(), []
    for entry in entries:
        key = (entry.condition, entry.unit, entry.unit_id)
        if key in seen:
            faults.append(
                Reason("reference_twice", f"{'/'.join(key)} is given twice.", "reference_standard")
            )
        seen.add(key)
    return faults


def baseline_faults(height_cm: float | None, weight_kg: float | None) -> list[Reason]:
    """What cannot be about body measurements; empty when they can be kept."""
    faults = []
    if height_cm is not None and not 50 <= height_cm <= 250:
        faults.append(
            Reason("height_range", f"A height of {height_cm:g} cm cannot be.", "height_cm")
        )
    if weight_kg is not None and not 10 <= weight_kg <= 400:
        faults.append(
            Reason("weight_range", f"A weight of {weight_kg:g} kg cannot be.", "weight_kg")
        )
    return faults
