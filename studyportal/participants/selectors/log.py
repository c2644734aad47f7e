"""The screening log: everybody who was asked or screened, with what became of it, and open overrides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import chain
from uuid import UUID

from django.db.models import QuerySet

from studyportal.participants.models import (
    CriterionAnswer,
    Declined,
    EligibilityOverride,
    Participant,
)
from studyportal.participants.rules import Answer
from studyportal.participants.selectors.reads import participants_visible_to, with_open_criteria
from studyportal.participants.states import OverrideStatus
from studyportal.sites.rules import Action
from studyportal.sites.selectors import Person, site_ids

DECLINED = "declined"


@dataclass(frozen=True)
class LogLine:
    """One person on the log: a participant by code, or somebody who declined and has none."""

    on: date
    site: str
    outcome: str
    participant_id: UUID | None = None
    code: str = ""
    sex: str = ""
    age: str = ""
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class LogFilter:
    """What the log was narrowed to; empty means everything."""

    site: str = ""
    outcome: str = ""


@dataclass(frozen=True)
class LogCounts:
    """How many were asked, how many declined and why, how many were screened and with which outcome."""

    asked: int
    declined: int
    screened: int
    by_outcome: dict[str, int]
    by_decline: dict[str, int]
    by_criterion: dict[str, int]


def screening_log(user: Person, chosen: LogFilter | None = None) -> list[LogLine]:
    """Everybody who was asked at the sites the person sees, newest first."""
    chosen = chosen or LogFilter()
    declined = declined_visible_to(user)
    screened = with_open_criteria(participants_visible_to(user))
    if chosen.site:
        declined = declined.filter(site__code=chosen.site)
        screened = screened.filter(site__code=chosen.site)
    lines = chain(map(_declined_line, declined), _screened_lines(screened))
    kept = (line for line in lines if chosen.outcome in ("", line.outcome))
    return sorted(kept, key=lambda line: (line.on, line.code), reverse=True)


def declined_visible_to(user: Person) -> QuerySet[Declined]:
    """People who declined at the sites at which the person may see participants."""
    rows = Declined.objects.filter(site__in=site_ids(user, Action.SEE_PARTICIPANTS))
    return rows.select_related("site")


def counts_of(lines: Iterable[LogLine]) -> LogCounts:
    """The numbers above the log."""
    every = list(lines)
    gone = [line for line in every if line.outcome == DECLINED]
    failed = [line for line in every if line.outcome == "screen_failed"]
    return LogCounts(
        asked=len(every),
        declined=len(gone),
        screened=len(every) - len(gone),
        by_outcome=dict(Counter(line.outcome for line in every if line.outcome != DECLINED)),
        by_decline=dict(Counter(reason for line in gone for reason in line.reasons).most_common()),
        by_criterion=dict(
            Counter(reason for line in failed for reason in line.reasons).most_common()
        ),
    )


def overrides_of(participant: Participant) -> QuerySet[EligibilityOverride]:
    """Overrides that were ever asked for, newest first."""
    return (
        EligibilityOverride.objects.filter(participant=participant)
        .select_related("asked_by", "decided_by")
        .order_by("-asked_at")
    )


def override_for(user: Person, override_id: UUID) -> EligibilityOverride | None:
    """The override, or None when it does not exist or the person may not see it."""
    rows = EligibilityOverride.objects.filter(
        participant__site__in=site_ids(user, Action.SEE_PARTICIPANTS)
    )
    return rows.select_related("participant", "participant__site", "asked_by").filter(
        pk=override_id
    ).first()  # fmt: skip


def overridden_criteria(participant: Participant) -> frozenset[str]:
    """Criteria that two people decided not to hold against the participant."""
    granted = EligibilityOverride.objects.filter(
        participant=participant, status=OverrideStatus.GRANTED
    )
    return frozenset(code for codes in granted.values_list("criteria", flat=True) for code in codes)


def open_overrides(user: Person) -> QuerySet[EligibilityOverride]:
    """Overrides that wait for a second person at the sites where this one may decide, not asked by this one."""
    rows = EligibilityOverride.objects.filter(
        status=OverrideStatus.ASKED,
        participant__site__in=site_ids(user, Action.DECIDE_OVERRIDE),
    )
    return rows.exclude(asked_by=user.pk).select_related("participant", "asked_by")


def _declined_line(row: Declined) -> LogLine:
    return LogLine(
        on=row.declined_on,
        site=row.site.code,
        outcome=DECLINED,
        sex=row.sex,
        age=row.age_band,
        reasons=(row.reason,),
    )


def _screened_lines(rows: QuerySet[Participant]) -> list[LogLine]:
    listed = list(rows)
    against = _against({row.newest_assessment for row in listed})  # type: ignore[attr-defined]  # annotated
    return [
        LogLine(
            on=row.screening_date,
            site=row.site.code,
            outcome=row.status,
            participant_id=row.pk,
            code=row.code,
            sex=row.sex,
            age=str(row.age_years),
            reasons=against.get(row.newest_assessment, ()),  # type: ignore[attr-defined]  # annotated
        )
        for row in listed
    ]


def _against(assessments: set[UUID | None]) -> dict[UUID, tuple[str, ...]]:
    """What stands in the way in each of these assessments."""
    rows = CriterionAnswer.objects.filter(assessment__in=assessments - {None})
    found: dict[UUID, list[str]] = {}
    standing = rows.exclude(reason="").exclude(answer=Answer.UNKNOWN)
    for assessment_id, criterion in standing.values_list("assessment_id", "criterion"):
        found.setdefault(assessment_id, []).append(criterion)
    return {key: tuple(codes) for key, codes in found.items()}
