"""Findings of the image checks: an id, a grade, and what a coordinator should do about it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from studyportal.imaging.rules.finding_texts import FINDING_TEXTS, FindingText, Grade

__all__ = [
    "FINDING_TEXTS",
    "Finding",
    "FindingText",
    "Grade",
    "PairVerdict",
    "Value",
    "finding",
    "verdict",
]

PairVerdict = Literal["ready", "query_open"]
Value = str | float | int | bool | None | tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """One thing a check found; `values` holds the numbers behind the sentence."""

    id: str
    grade: Grade
    sentence: str
    values: Mapping[str, Value] = field(default_factory=dict)


def finding(finding_id: str, /, **values: Value) -> Finding:
    """The finding of this kind, its sentence filled from the values."""
    text = FINDING_TEXTS[finding_id]
    shown = {k: ", ".join(v) if isinstance(v, tuple) else v for k, v in values.items()}
    return Finding(finding_id, text.grade, text.sentence.format(**shown), MappingProxyType(values))


def verdict(findings: Iterable[Finding]) -> PairVerdict:
    """A pair is ready unless a finding excludes it; warnings never stand in its way."""
    return "query_open" if any(found.grade == "exclude" for found in findings) else "ready"
