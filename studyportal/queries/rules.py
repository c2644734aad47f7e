"""How old a query is, who may do what with it, and what it may say. No clock, no database."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from studyportal.core.errors import Reason
from studyportal.queries.states import QueryStatus
from studyportal.sites.rules import PERMISSIONS, Action, Role

LONGEST_TEXT = 2000
# Who can be asked: the roles that may answer.
ASKED_ROLES = tuple(role for role in Role if Action.ANSWER_QUERY in PERMISSIONS[role])


class AgeBand(StrEnum):
    """Ages by which queries are counted and filtered. The bounds are this product's choice."""

    WEEK = "week"
    FORTNIGHT = "fortnight"
    MONTH = "month"
    OLDER = "older"


class Act(StrEnum):
    """What a person does with a query that stands."""

    ANSWER = "answer"
    CLOSE = "close"
    REOPEN = "reopen"


_DAYS: Mapping[AgeBand, tuple[int, int | None]] = {
    AgeBand.WEEK: (0, 7),
    AgeBand.FORTNIGHT: (8, 14),
    AgeBand.MONTH: (15, 30),
    AgeBand.OLDER: (31, None),
}
ACT_ACTIONS: Mapping[Act, Action] = {
    Act.ANSWER: Action.ANSWER_QUERY,
    Act.CLOSE: Action.CLOSE_QUERY,
    Act.REOPEN: Action.CLOSE_QUERY,
}
_ACTS: Mapping[QueryStatus, tuple[Act, ...]] = {
    QueryStatus.OPEN: (Act.ANSWER, Act.CLOSE),
    QueryStatus.ANSWERED: (Act.CLOSE, Act.REOPEN),
    QueryStatus.CLOSED: (),
}
_SAY: Mapping[Act, str] = {
    Act.ANSWER: "Say what you found or mended.",
    Act.CLOSE: "Say why the query can be closed.",
    Act.REOPEN: "Say what is still open.",
}


@dataclass(frozen=True)
class Asked:
    """What is asked of the site: about which field, in which words, and by which rule; no rule when by a person.

    `evidence` names what the rule looked at: found again in the same evidence, nothing changes.
    """

    field: str
    question: str
    rule: str = ""
    evidence: str = ""
    assigned_to: Role = Role.COORDINATOR


def age_days(opened_on: date, *, today: date) -> int:
    """Whole days since it was opened; never negative."""
    return max(0, (today - opened_on).days)


def band_of(days: int) -> AgeBand:
    """The band in which an age of so many whole days lies."""
    return next(band for band, (_, last) in _DAYS.items() if last is None or days <= last)


def days_of(band: AgeBand) -> tuple[int, int | None]:
    """First and last whole day of a band; the oldest has no last."""
    return _DAYS[band]


def acts_at(status: str, held: Collection[Action]) -> tuple[Act, ...]:
    """What somebody who holds these rights at the query's site may do with it now."""
    return tuple(act for act in _ACTS[QueryStatus(status)] if ACT_ACTIONS[act] in held)


def faults_of(asked: Asked, *, by_person: bool) -> tuple[Reason, ...]:
    """Why this cannot be asked, in words; empty when it can."""
    faults = list(text_faults(asked.question, missing="Say what the site should mend or explain."))
    if asked.assigned_to not in ASKED_ROLES:
        sentence = "Choose somebody at the site who may answer."
        faults.append(Reason("assigned_to", sentence, "assigned_to"))
    if by_person == bool(asked.rule):
        faults.append(Reason("asked_by", "A query is asked either by a rule or by a person."))
    return tuple(faults)


def act_faults(act: Act, text: str) -> tuple[Reason, ...]:
    """Why the act cannot be done with this text, in words; empty when it can."""
    return text_faults(text, missing=_SAY[act])


def text_faults(text: str, *, missing: str) -> tuple[Reason, ...]:
    """Why this text cannot stand in a thread; empty when it can."""
    if not text.strip():
        return (Reason("text_missing", missing, "text"),)
    if len(text) > LONGEST_TEXT:
        sentence = f"The text has {len(text)} characters; at most {LONGEST_TEXT} are kept."
        return (Reason("text_long", sentence, "text"),)
    if "\x00" in text:
        return (
            Reason("text_unreadable", "The text holds a character that cannot be kept.", "text"),
        )
    return ()
