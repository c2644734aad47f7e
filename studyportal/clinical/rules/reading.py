"""Reads the reference standard as it is written in a cases file, and says what is wrong with it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from studyportal.clinical.rules.targets import ReferenceStatus, TargetCondition, Unit, unit_fault
from studyportal.core.errors import Reason


@dataclass(frozen=True)
class ReferenceEntry:
    """The reference standard of one target condition for one unit."""

    condition: TargetCondition
    unit: Unit
    unit_id: str
    status: ReferenceStatus


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
