"""What a participant's page shows of consent, withdrawal, assessments and overrides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from studyportal.core import clock
from studyportal.participants.selectors import (
    consent_versions_visible_to,
    need_among,
    offers_at,
    overrides_of,
    withdrawals_of,
)
from studyportal.participants.services import standing_in_the_way
from studyportal.participants.states import OverrideStatus
from studyportal.sites.rules import Action
from studyportal.sites.selectors import Person, may

if TYPE_CHECKING:
    from studyportal.participants.models import (
        Consent,
        EligibilityAssessment,
        EligibilityOverride,
        Participant,
        Withdrawal,
    )


@dataclass(frozen=True)
class AssessmentLine:
    """One assessment, with the answers that it changed."""

    at: datetime
    who: str
    verdict: str
    version: str
    changed: tuple[tuple[str, str, str], ...]


def declared_versions(user: Person) -> list[str]:
    """Versions of the consent form that sites declared, for the forms that ask for one."""
    rows = consent_versions_visible_to(user).order_by("valid_from")
    return list(dict.fromkeys(rows.values_list("version", flat=True)))


def conduct_of(
    user: Person,
    participant: Participant,
    consents: Sequence[Consent],
    assessments: Sequence[EligibilityAssessment],
) -> dict[str, Any]:
    """The context of the panels; assessments come newest first."""
    signed = [one.version for one in consents if one.withdrawn_on is None]
    need = need_among(participant.status, signed, offers_at(participant.site))
    withdrawals: list[Withdrawal] = list(withdrawals_of(participant))
    overrides: list[EligibilityOverride] = list(overrides_of(participant))
    standing = standing_in_the_way(participant, next(iter(assessments), None))
    waits = any(row.status == OverrideStatus.ASKED for row in overrides)
    site = participant.site
    return {
        "consents": consents,
        "consent_need": need,
        "consent_blocks": need is not None and need.blocks(clock.today()),
        "withdrawals": withdrawals,
        "removed": any(row.scope == "remove" for row in withdrawals),
        "may_withdraw": may(user, Action.SCREEN_PARTICIPANT, site=site)
        and bool(consents)
        and not any(row.scope == "remove" for row in withdrawals),
        "assessments": lines_of(assessments),
        "overrides": overrides,
        "standing": standing,
        "may_ask_override": bool(standing)
        and not waits
        and not withdrawals
        and may(user, Action.ASK_OVERRIDE, site=site),
        "may_decide_override": may(user, Action.DECIDE_OVERRIDE, site=site),
    }


def lines_of(newest_first: Iterable[EligibilityAssessment]) -> list[AssessmentLine]:
    """Assessments, newest first, each with the answers that differ from the one before it."""
    every = list(newest_first)
    lines = []
    for place, row in enumerate(every):
        before = (
            {answer.criterion: answer.answer for answer in every[place + 1].answers.all()}
            if place + 1 < len(every)
            else {}
        )
        changed = tuple(
            (answer.criterion, answer.answer, answer.source)
            for answer in row.answers.all()
            if before and before.get(answer.criterion) != answer.answer
        )
        who = str(row.assessed_by) if row.assessed_by else ""
        lines.append(
            AssessmentLine(row.assessed_at, who, row.verdict, row.protocol_version.version, changed)
        )
    return lines
