"""The screening log: everybody who was asked or screened, with what became of it, and open overrides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, overload
from uuid import UUID

from django.db.models import CharField, Count, QuerySet, Value

from studyportal.participants.models import (
    CriterionAnswer,
    Declined,
    EligibilityOverride,
    Participant,
)
from studyportal.participants.rules import Answer
from studyportal.participants.selectors.reads import (
    participants_visible_to,
    standing_against,
    with_open_criteria,
)
from studyportal.participants.states import OverrideStatus, ParticipantStatus
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


class ScreeningLog(Sequence[LogLine]):
    """The lines of the log in their order, read from the database as far as they are looked at."""

    def __init__(self, screened: QuerySet[Participant], declined: QuerySet[Declined]) -> None:
        self._screened, self._declined = screened, declined

    def __len__(self) -> int:
        return self._screened.count() + self._declined.count()

    @overload
    def __getitem__(self, place: int) -> LogLine: ...
    @overload
    def __getitem__(self, place: slice) -> list[LogLine]: ...
    def __getitem__(self, place: int | slice) -> LogLine | list[LogLine]:
        if isinstance(place, int):
            return self._read(self._order()[place : place + 1])[0]
        return self._read(self._order()[place])

    def __iter__(self) -> Iterator[LogLine]:
        return iter(self._read(self._order()))

    def _order(self) -> QuerySet[Any]:
        """Newest first, of one day by code."""
        nobody = Value("", output_field=CharField())
        screened = self._screened.order_by().values_list("screening_date", "code", "pk")
        declined = self._declined.order_by().values_list("declined_on", nobody, "pk")
        return screened.union(declined, all=True).order_by("-screening_date", "-code")

    def _read(self, order: QuerySet[Any]) -> list[LogLine]:
        keys = [key for _, _, key in order]
        found = {row.pk: _declined_line(row) for row in self._declined.filter(pk__in=keys)}
        screened = with_open_criteria(self._screened.filter(pk__in=keys))
        lines = _screened_lines(screened)
        found |= {line.participant_id: line for line in lines if line.participant_id}
        return [found[key] for key in keys if key in found]


def screening_log(user: Person, chosen: LogFilter | None = None) -> ScreeningLog:
    """Everybody who was asked at the sites the person sees, newest first."""
    chosen = chosen or LogFilter()
    screened, declined = _at(user, chosen.site)
    if chosen.outcome == DECLINED:
        return ScreeningLog(screened.none(), declined)
    if chosen.outcome:
        return ScreeningLog(screened.filter(status=chosen.outcome), declined.none())
    return ScreeningLog(screened, declined)


def _at(user: Person, site: str) -> tuple[QuerySet[Participant], QuerySet[Declined]]:
    screened, declined = participants_visible_to(user), declined_visible_to(user)
    if site:
        return screened.filter(site__code=site), declined.filter(site__code=site)
    return screened, declined


def declined_visible_to(user: Person) -> QuerySet[Declined]:
    """People who declined at the sites at which the person may see participants."""
    rows = Declined.objects.filter(site__in=site_ids(user, Action.SEE_PARTICIPANTS))
    return rows.select_related("site")


def log_counts(user: Person, *, site: str = "") -> LogCounts:
    """The numbers above the log."""
    screened, declined = _at(user, site)
    by_outcome = _numbers(screened, "status")
    by_decline = _numbers(declined, "reason")
    failed = screened.filter(status=ParticipantStatus.SCREEN_FAILED).order_by().values("pk")
    against = standing_against(failed)
    return LogCounts(
        asked=sum(by_outcome.values()) + sum(by_decline.values()),
        declined=sum(by_decline.values()),
        screened=sum(by_outcome.values()),
        by_outcome=by_outcome,
        by_decline=by_decline,
        by_criterion=_numbers(against, "criterion"),
    )


def _numbers(rows: QuerySet[Any], name: str) -> dict[str, int]:
    """How many rows there are of each value, most first."""
    counted = rows.order_by().values_list(name).annotate(n=Count("pk"))
    return dict(counted.order_by("-n", name))


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
