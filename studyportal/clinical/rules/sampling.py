"""Which participants' forms are compared with their sources whole, and what is compared for everybody.

The draw is a permuted block: of every twenty participants in the order in which they were drawn exactly the planned
share is chosen, at places that follow from the seed alone. Whoever has seed and order gets the same draw again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache

from studyportal.clinical.rules.definitions import FORMS
from studyportal.core.errors import Reason

BLOCK = 20
STEP_PERCENT = 100 // BLOCK
SEEDS = 2**63


class Scope(StrEnum):
    """How much of a form is compared with its sources."""

    WHOLE = "whole"
    CRITICAL = "critical"
    REVIEW = "review"  # nothing is compared; the answers are read for sense


def chosen(*, seed: int, share_percent: int, number: int) -> bool:
    """Whether the participant with this number, from 1, is compared whole."""
    block, place = divmod(number - 1, BLOCK)
    return place in _chosen_of(seed, block, share_percent // STEP_PERCENT)


@lru_cache(maxsize=4096)  # a whole draw asks for each block as often as it has places
def _chosen_of(seed: int, block: int, places: int) -> frozenset[int]:
    """The places of a block that the draw takes, of those in its order the first ones."""
    return frozenset(sorted(range(BLOCK), key=lambda place: _rank(seed, block, place))[:places])


def _rank(seed: int, block: int, place: int) -> bytes:
    return hashlib.sha256(f"{seed}:{block}:{place}".encode()).digest()


def default_critical() -> list[str]:
    """What the protocol has entered twice is critical unless a plan says otherwise."""
    return [f"{form.key}.{field.name}" for form in FORMS.values() for field in form.twice]


def every_field() -> list[str]:
    """Every field that can be compared, as `form.field`; what is computed follows from the others."""
    return [f"{form.key}.{field.name}" for form in FORMS.values() for field in form.entered]


def critical_by_form(critical: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Critical fields by form; forms without one are missing."""
    found: dict[str, tuple[str, ...]] = {}
    for name in critical:
        kind, _, field = name.partition(".")
        found[kind] = (*found.get(kind, ()), field)
    return found


def scope_of(kind: str, *, whole: bool, critical: Iterable[str]) -> Scope:
    """How much of this form the plan asks for."""
    if whole:
        return Scope.WHOLE
    return Scope.CRITICAL if kind in critical_by_form(critical) else Scope.REVIEW


def plan_faults(*, share_percent: int, critical: Iterable[str], reason: str) -> list[Reason]:
    """Why there cannot be such a plan, in words; empty when there can."""
    faults = []
    if not 0 <= share_percent <= 100 or share_percent % STEP_PERCENT:
        sentence = f"The share goes from 0 to 100 % in steps of {STEP_PERCENT} %."
        faults.append(Reason("share", sentence, "share_percent"))
    if unknown := sorted(set(critical) - set(every_field())):
        sentence = f"No form has such a field: {', '.join(unknown)}."
        faults.append(Reason("field_unknown", sentence, "critical"))
    if not reason.strip():
        faults.append(Reason("reason_missing", "Say why the plan is so.", "reason"))
    return faults
