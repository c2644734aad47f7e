"""The report of de-identification in words that a data manager can read and file."""

from collections.abc import Iterator, Mapping
from textwrap import wrap
from types import MappingProxyType
from typing import Any

from studyportal.imaging.rules.confidentiality import OPTIONS
from studyportal.imaging.rules.deidentification_report import DeidentificationReport
from studyportal.imaging.rules.element_rules import Rule
from studyportal.imaging.rules.suv_survival import SuvSurvival

RULE_TEXTS: Mapping[str, str] = MappingProxyType(
    {
        Rule.PARTICIPANT_CODE: "name and number of the patient replaced by the participant code",
        Rule.PROFILE_REMOVED: "removed, as the confidentiality table says",
        Rule.PROFILE_EMPTIED: "emptied, as the confidentiality table says",
        Rule.UID_REPLACED: "identifiers (UIDs) replaced by keyed hashes; those of the standard stay",
        Rule.DATE_SHIFTED: "dates moved back by the participant's number of days",
        Rule.CLOCK_TIME_KEPT: "clock times kept",
        Rule.CHARACTERISTIC_KEPT: "sex, age (capped), weight and height kept",
        Rule.TEXT_CLEANED: "descriptions replaced by a code, or removed",
        Rule.OUTSIDE_IMAGE_REMOVED: "removed, because no image or outline needs them",
        Rule.OVERLAY_REMOVED: "overlays and curves removed",
        Rule.PRIVATE_REMOVED: "private elements of the scanner's maker removed",
        Rule.PRIVATE_KEPT: "private elements that SUV needs kept",
        Rule.SEQUENCE_SEARCHED: "nested lists searched by the same rules",
        Rule.IMAGE_ATTRIBUTE_KEPT: "technical attributes of the image kept",
        Rule.IDENTITY_ECHO_REMOVED: "technical text removed that repeated an identifier",
        Rule.PIXEL_SURPLUS_REMOVED: "bytes behind the last pixel cut off",
        Rule.BROKEN_REMOVED: "removed, because they could not be read",
    }
)
_WIDTH, _INDENT = 100, " " * 11


def report_facts(
    report: DeidentificationReport, *, files: int, suv: SuvSurvival | None
) -> dict[str, Any]:
    """What is stored of a series' de-identification, ready for JSON; never a value of a header."""
    return {
        "actions": dict(report.actions),
        "attributes": {rule: list(names) for rule, names in report.attributes.items()},
        "notes": list(report.notes),
        "options": list(report.options),
        "table": report.table_version,
        "files": files,
        "again": report.again,
        "suv": dict(suv.facts()) if suv is not None and not suv.refusals else {},
    }


def report_lines(facts: Mapping[str, Any], *, title: str) -> Iterator[str]:
    """The same facts as lines of plain text."""
    yield title
    yield "=" * len(title)
    yield ""
    yield f"Files: {facts.get('files', '?')}"
    yield f"Table: {facts['table']}"
    if facts.get("again"):
        yield "The site had de-identified these files for this study; they were cleaned once more."
    yield "Options claimed:"
    yield from (f"  {code} {OPTIONS.get(code, '')}".rstrip() for code in facts["options"])
    yield from _suv_lines(facts.get("suv") or {})
    yield ""
    yield "What each rule did (number of elements, all files together):"
    for rule, count in facts["actions"].items():
        yield f"{count:9d}  {RULE_TEXTS.get(rule, rule)}"
        names = " ".join(facts.get("attributes", {}).get(rule, ()))
        yield from wrap(names, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)
    if facts["notes"]:
        yield ""
        yield "Noted:"
        yield from (f"  {note}" for note in facts["notes"])


def _suv_lines(suv: Mapping[str, Any]) -> Iterator[str]:
    if not suv:
        return
    yield ""
    yield f"SUV (rule {suv['rule']}, {suv['slices']} slices):"
    if suv["before"] is None:
        yield "  factor before and after: differs from slice to slice"
    else:
        yield f"  factor before {suv['before']!r}, after {suv['after']!r}"
    yield f"  largest relative difference of a slice: {suv['largest_relative_difference']:.1e}"
