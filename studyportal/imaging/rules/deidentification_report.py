"""What de-identification says it did: counts per rule and notes, never a value."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from studyportal.imaging.rules.confidentiality import OPTIONS, TABLE_VERSION


@dataclass(frozen=True)
class DeidentificationReport:
    """How many elements each rule acted on, and what could not be read; never a value."""

    actions: Mapping[str, int]
    notes: tuple[str, ...]
    options: tuple[str, ...] = tuple(OPTIONS)
    table_version: str = TABLE_VERSION


def merged_reports(reports: Iterable[DeidentificationReport]) -> DeidentificationReport:
    """One report of a series: counts added, each note once, in order of first appearance."""
    actions: Counter[str] = Counter()
    notes: dict[str, None] = {}
    for report in reports:
        actions.update(report.actions)
        notes.update(dict.fromkeys(report.notes))
    return DeidentificationReport(MappingProxyType(dict(sorted(actions.items()))), tuple(notes))
