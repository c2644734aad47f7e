"""Target conditions, the units on which they are judged, and what a reference standard can be."""

import re
from enum import StrEnum


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
# Written in one way only, so that lesion 1 and lesion 01 cannot be two.
_LESION_NUMBER = re.compile(r"[1-9][0-9]{0,2}")


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
