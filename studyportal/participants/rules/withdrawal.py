"""What a withdrawal asks for, what every room answers, and what may be recorded. No clock, no database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from studyportal.core.errors import Reason

LONGEST_REASON = 1000


class Scope(StrEnum):
    """How far a participant withdraws."""

    STOP_COLLECTING = "stop_collecting"
    REMOVE = "remove"


class Why(StrEnum):
    """Why a participant withdraws, as far as they say so; nobody has to."""

    NOT_SAID = "not_said"
    BURDEN = "burden"
    PRIVACY = "privacy"
    HEALTH = "health"
    MOVED = "moved"
    FAMILY = "family"
    OTHER = "other"


class Room(StrEnum):
    """Rooms that carry a withdrawal out, in this order; the archive comes last, when nothing needs its files."""

    QUERIES = "queries"
    CLINICAL = "clinical"
    IMAGING = "imaging"
    SYNTHESES = "syntheses"
    READING = "reading"
    OUTCOMES = "outcomes"
    EXPORTS = "exports"
    ARCHIVE = "archive"


@dataclass(frozen=True)
class Obeyed:
    """What one room did now: how often it did what, what must go from the disk, what it waits for, what stays.

    `files` are digests in the archive, `folders` names below quarantine and work, `ledger` keyed hashes of what
    was received. They are kept until the archive's step has them deleted, so that nothing is forgotten by a crash.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    files: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    ledger: frozenset[str] = frozenset()
    waits_for: str = ""
    stays: tuple[str, ...] = ()


@dataclass(frozen=True)
class Standing:
    """What is known before a withdrawal is recorded."""

    code: str
    first_signed_on: date | None
    recorded: frozenset[Scope]


def withdrawal_faults(
    standing: Standing, *, scope: Scope, withdrawn_on: date, reason: str, today: date
) -> tuple[Reason, ...]:
    """Why this withdrawal cannot be recorded, in words; empty when it can."""
    faults = []
    if standing.first_signed_on is None:
        sentence = f"{standing.code} never consented, so there is nothing to withdraw."
        faults.append(Reason("no_consent", sentence))
    elif withdrawn_on < standing.first_signed_on:
        sentence = (
            f"Consent was signed on {standing.first_signed_on.isoformat()}; it cannot have been withdrawn "
            "before."
        )
        faults.append(Reason("withdrawn_before_consent", sentence, "withdrawn_on"))
    if withdrawn_on > today:
        sentence = "The day of the withdrawal lies in the future."
        faults.append(Reason("withdrawn_future", sentence, "withdrawn_on"))
    if scope in standing.recorded:
        sentence = f"This withdrawal of {standing.code} is recorded already."
        faults.append(Reason("withdrawn_already", sentence))
    elif scope == Scope.STOP_COLLECTING and Scope.REMOVE in standing.recorded:
        sentence = f"{standing.code} has had the data removed; that cannot be narrowed."
        faults.append(Reason("withdrawn_further", sentence, "scope"))
    if len(reason) > LONGEST_REASON or "\x00" in reason:
        sentence = f"The reason is kept in at most {LONGEST_REASON} letters."
        faults.append(Reason("reason_long", sentence, "note"))
    return tuple(faults)


def added(former: Mapping[str, int], new: Mapping[str, int]) -> dict[str, int]:
    """Counts of a step that ran more than once, put together."""
    return {key: former.get(key, 0) + new.get(key, 0) for key in sorted({*former, *new})}


def highest(former: Mapping[str, int], new: Mapping[str, int]) -> dict[str, int]:
    """Counts of a step that says each time how many there were in all."""
    return {key: max(former.get(key, 0), new.get(key, 0)) for key in sorted({*former, *new})}
