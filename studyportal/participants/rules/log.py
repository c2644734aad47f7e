"""People who declined, and overrides: what may be recorded. No clock, no database."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from studyportal.core.errors import Reason
from studyportal.participants.rules.eligibility import Sex
from studyportal.protocol.rules import Protocol

LONGEST_BECAUSE = 1000


class DeclineReason(StrEnum):
    """Why somebody who was asked did not want to take part."""

    NOT_SAID = "not_said"
    NO_INTEREST = "no_interest"
    NO_TIME = "no_time"
    PRIVACY = "privacy"
    DISTRUST = "distrust"
    TOO_ILL = "too_ill"
    FAMILY = "family"
    OTHER_STUDY = "other_study"


class AgeBand(StrEnum):
    """Ages of people who declined, coarse on purpose: they have not consented to anything."""

    NOT_SAID = ""
    UNDER_50 = "under_50"
    FROM_50 = "50_59"
    FROM_60 = "60_69"
    FROM_70 = "70_79"
    FROM_80 = "80_over"


@dataclass(frozen=True)
class DeclinedFacts:
    """What is written down of somebody who declined; nothing that says who it was."""

    declined_on: date
    reason: DeclineReason
    sex: str = ""
    age_band: AgeBand = AgeBand.NOT_SAID


def declined_faults(facts: DeclinedFacts, *, today: date) -> tuple[Reason, ...]:
    """Why this cannot be kept, in words; empty when it can."""
    faults = []
    if facts.declined_on > today:
        sentence = "The day lies in the future."
        faults.append(Reason("declined_future", sentence, "declined_on"))
    if facts.sex and facts.sex not in set(Sex):
        faults.append(Reason("sex", "Sex must be F or M, or be left open.", "sex"))
    return tuple(faults)


def overridable(standing_in_the_way: Sequence[str], protocol: Protocol) -> tuple[str, ...]:
    """Those of the criteria that two people may override: nobody takes part without consent or before the age."""
    fixed = {protocol.code_of("consent"), protocol.code_of("age")}
    return tuple(code for code in standing_in_the_way if code not in fixed)


def override_faults(
    criteria: Collection[str], standing: Sequence[str], because: str, *, protocol: Protocol
) -> tuple[Reason, ...]:
    """Why this override cannot be asked for, in words; empty when it can."""
    faults = list(because_faults(because))
    if not standing:
        sentence = "No criterion stands in the way, so there is nothing to override."
        faults.append(Reason("nothing_to_override", sentence))
    fixed = sorted(set(standing) - set(overridable(standing, protocol)))
    if fixed:
        sentence = f"{', '.join(fixed)} cannot be overridden: nobody takes part without it."
        faults.append(Reason("never_overridden", sentence, "criteria"))
    if set(criteria) != set(standing) - set(fixed) and not fixed:
        sentence = f"Override all that stands in the way, or nothing: {', '.join(standing)}."
        faults.append(Reason("override_criteria", sentence, "criteria"))
    return tuple(faults)


def because_faults(because: str) -> tuple[Reason, ...]:
    """Why this reason cannot stand; empty when it can."""
    text = because.strip()
    if 0 < len(text) <= LONGEST_BECAUSE and "\x00" not in text:
        return ()
    sentence = f"Give the reason in at most {LONGEST_BECAUSE} letters."
    return (Reason("reason_missing", sentence, "reason"),)
