"""What de-identification says it did: counts and names of attributes per rule, never a value."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from studyportal.imaging.rules.confidentiality import OPTIONS, TABLE_VERSION


@dataclass(frozen=True)
class DeidentificationReport:
    """On how many elements each rule acted, which ones, and what could not be read; never a value.

    `again` is set where the file had been de-identified by this study before.
    """

    actions: Mapping[str, int]
    notes: tuple[str, ...]
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    options: tuple[str, ...] = tuple(OPTIONS)
    table_version: str = TABLE_VERSION
    again: bool = False


def report_of(
    done: Iterable[tuple[str, str]], notes: Iterable[str], *, again: bool
) -> DeidentificationReport:
    """The report of one file out of what was done to each element: the rule, and the element's name."""
    actions: Counter[str] = Counter()
    names: defaultdict[str, set[str]] = defaultdict(set)
    for rule, name in done:
        actions[str(rule)] += 1
        names[str(rule)].add(name)
    return DeidentificationReport(
        MappingProxyType(dict(sorted(actions.items()))),
        tuple(notes),
        MappingProxyType({rule: tuple(sorted(found)) for rule, found in names.items()}),
        again=again,
    )


def merged_reports(reports: Iterable[DeidentificationReport]) -> DeidentificationReport:
    """One report of a series: counts added, each name and note once."""
    actions: Counter[str] = Counter()
    notes: dict[str, None] = {}
    names: defaultdict[str, set[str]] = defaultdict(set)
    again = False
    for report in reports:
        actions.update(report.actions)
        notes.update(dict.fromkeys(report.notes))
        again |= report.again
        for rule, found in report.attributes.items():
            names[rule].update(found)
    return DeidentificationReport(
        MappingProxyType(dict(sorted(actions.items()))),
        tuple(notes),
        MappingProxyType({rule: tuple(sorted(found)) for rule, found in sorted(names.items())}),
        again=again,
    )
