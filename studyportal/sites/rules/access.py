"""What an access review looks for (ICH E6(R3) 4.3.8: users and their rights are reviewed; 21 CFR 11.300(b))."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from studyportal.sites.rules import ROLE_NAMES, Role, needs_second_factor

REVIEW_EVERY = timedelta(days=91)  # once a quarter
UNUSED_AFTER = timedelta(days=90)
NEVER_USED_AFTER = timedelta(days=30)
TOKEN_OLD_AFTER = timedelta(days=60)
LAST_ADMINISTRATOR = "Nobody else manages people. Give that role to somebody first."

# Two roles that one person should not hold together, and why.
CONFLICTS: Mapping[frozenset[Role], str] = {
    frozenset({Role.COORDINATOR, Role.MONITOR}): "verifies data that the same person enters",
    frozenset({Role.DATA_MANAGER, Role.MONITOR}): "verifies data that the same person enters",
    frozenset({Role.READER, Role.COORDINATOR}): "reads images blinded and knows the participants",
    frozenset({Role.READER, Role.DATA_MANAGER}): "reads images blinded and sees the reference",
    frozenset({Role.READER, Role.STATISTICIAN}): "reads images blinded and sees the results",
    frozenset({Role.STATISTICIAN, Role.DATA_MANAGER}): "analyses data that the same person changes",
}


class Finding(StrEnum):
    """What a reviewer should look at."""

    UNUSED = "unused"
    NEVER_USED = "never_used"
    NO_SECOND_FACTOR = "no_second_factor"
    NO_RECOVERY = "no_recovery"
    NO_ROLE = "no_role"
    CONFLICT = "conflict"
    OLD_TOKEN = "old_token"  # noqa: S105 a word
    CLOSED_WITH_ACCESS = "closed_with_access"


@dataclass(frozen=True)
class AccessFacts:
    """What is known of one person's access."""

    username: str
    name: str
    active: bool
    roles: tuple[tuple[Role, str], ...]  # role and site code; empty for the whole study
    created_at: datetime
    last_sign_in: datetime | None
    second_factors: frozenset[str]
    token_since: datetime | None


@dataclass(frozen=True)
class Noted:
    """A finding with its sentence."""

    id: Finding
    sentence: str


def findings(facts: AccessFacts, *, now: datetime) -> list[Noted]:
    """Everything about this person's access that a reviewer should look at."""
    if not facts.active:
        return _of_closed(facts)
    return [*_of_use(facts, now), *_of_factors(facts), *_of_roles(facts), *_of_token(facts, now)]


def review_due(last: datetime | None, *, now: datetime) -> bool:
    """Whether a quarter has passed since the last review."""
    return last is None or now - last >= REVIEW_EVERY


def role_words(roles: Sequence[tuple[Role, str]]) -> str:
    """The roles as one line."""
    return ", ".join(f"{ROLE_NAMES[role]} · {site or 'study'}" for role, site in roles)


def _of_closed(facts: AccessFacts) -> list[Noted]:
    if not facts.roles and facts.token_since is None:
        return []
    return [
        Noted(Finding.CLOSED_WITH_ACCESS, "The account is closed, yet holds a role or a token.")
    ]


def _of_use(facts: AccessFacts, now: datetime) -> list[Noted]:
    if facts.last_sign_in is None:
        if now - facts.created_at < NEVER_USED_AFTER:
            return []
        return [Noted(Finding.NEVER_USED, f"Never signed in, {_days(now - facts.created_at)} old.")]
    unused = now - facts.last_sign_in
    if unused < UNUSED_AFTER:
        return []
    return [Noted(Finding.UNUSED, f"Not signed in for {_days(unused)}.")]


def _of_factors(facts: AccessFacts) -> list[Noted]:
    roles = [role for role, _ in facts.roles]
    if not facts.second_factors - {"recovery_codes"}:
        needed = needs_second_factor(roles)
        sentence = "Sees participant data and has no second factor."
        return [Noted(Finding.NO_SECOND_FACTOR, sentence)] if needed else []
    if "recovery_codes" in facts.second_factors:
        return []
    return [Noted(Finding.NO_RECOVERY, "Has no recovery codes.")]


def _of_roles(facts: AccessFacts) -> list[Noted]:
    held = {role for role, _ in facts.roles}
    if not held:
        return [Noted(Finding.NO_ROLE, "The account is open and holds no role.")]
    return [
        Noted(Finding.CONFLICT, f"{' and '.join(sorted(ROLE_NAMES[one] for one in pair))}: {why}.")
        for pair, why in CONFLICTS.items()
        if pair <= held
    ]


def _of_token(facts: AccessFacts, now: datetime) -> list[Noted]:
    if facts.token_since is None or now - facts.token_since < TOKEN_OLD_AFTER:
        return []
    age = _days(now - facts.token_since)
    return [Noted(Finding.OLD_TOKEN, f"Holds an API token that is {age} old.")]


def _days(span: timedelta) -> str:
    return f"{span.days} day{'' if span.days == 1 else 's'}"
