"""Reads across rooms for the pages people look at first. Nothing is written here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import accumulate
from typing import Any, overload
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from studyportal.clinical.selectors import every_reference
from studyportal.dashboards.ordering import at_steps, keys_of, number_of, ordered
from studyportal.dashboards.rules import STEP_ACTIONS, ChainFacts, Missing, Step, missing_step
from studyportal.imaging.selectors import every_series
from studyportal.imaging.states import SeriesRole, SeriesStatus
from studyportal.participants.rules import Offer
from studyportal.participants.selectors import (
    ENROLLED,
    every_participant,
    need_among,
    offers_by_site,
    participants_visible_to,
    with_open_criteria,
    with_signed_versions,
)
from studyportal.protocol.rules import Protocol
from studyportal.protocol.selectors import active_protocol
from studyportal.sites.rules import Action
from studyportal.sites.selectors import Person, may, site_ids, sites_visible_to
from studyportal.syntheses.selectors import every_job

_FACTS = (
    "id",
    "code",
    "status",
    "site__code",
    "screening_date",
    "assessed_at",
    "enrolled_on",
    "open_criteria",
    "ct",
    "ct_at",
    "pet",
    "pet_at",
    "pair",
    "pair_at",
    "pair_id",
    "referenced",
    "job",
)


@dataclass(frozen=True)
class WorkRow:
    """One participant on the worklist."""

    id: UUID
    code: str
    site: str
    status: str
    pair_id: UUID | None
    missing: Missing
    mine: bool


@dataclass(frozen=True)
class WorkFilter:
    """What the person narrowed the worklist to; empty means everything."""

    site: str = ""
    status: str = ""
    step: str = ""
    search: str = ""


class Worklist(Sequence["WorkRow"]):
    """The rows of a worklist in their order, read from the database as far as they are looked at."""

    def __init__(self, user: Person, rows: QuerySet[Any]) -> None:
        self._user, self._rows = user, rows

    def __len__(self) -> int:
        return number_of(self._rows)

    @overload
    def __getitem__(self, place: int) -> WorkRow: ...
    @overload
    def __getitem__(self, place: slice) -> list[WorkRow]: ...
    def __getitem__(self, place: int | slice) -> WorkRow | list[WorkRow]:
        if isinstance(place, int):
            return self._read(self._rows[place : place + 1])[0]
        return self._read(self._rows[place])

    def __iter__(self) -> Iterator[WorkRow]:
        return iter(self._read(self._rows))

    def _read(self, rows: QuerySet[Any]) -> list[WorkRow]:
        keys = keys_of(rows)
        shown = _annotated(participants_visible_to(self._user).filter(pk__in=keys))
        by_key = {row.id: row for row in _work_rows(self._user, shown)}
        return [by_key[key] for key in keys if key in by_key]


def worklist(user: Person, chosen: WorkFilter | None = None) -> Worklist:
    """Every participant the person may see with the one thing still missing; what needs somebody longest comes first."""
    chosen = chosen or WorkFilter()
    rows = _narrowed(participants_visible_to(user), chosen)
    rows = ordered(rows, active_protocol(), mine=steps_of(user))
    return Worklist(user, at_steps(rows, {Step(chosen.step)}) if chosen.step else rows)


def waiting_participants(user: Person) -> int:
    """How many participants need this person."""
    mine = steps_of(user)
    rows = ordered(participants_visible_to(user), active_protocol(), mine=mine)
    return number_of(at_steps(rows, mine))


def steps_of(user: Person) -> frozenset[Step]:
    """The steps that this person may take."""
    return frozenset(step for step, action in STEP_ACTIONS.items() if may(user, action))


def missing_of(user: Person, participant_id: UUID) -> WorkRow | None:
    """The worklist's row of one participant."""
    rows = _annotated(participants_visible_to(user).filter(pk=participant_id))
    return next(iter(_work_rows(user, rows)), None)


def _work_rows(user: Person, rows: QuerySet[Any]) -> list[WorkRow]:
    protocol, offers = active_protocol(), offers_by_site()
    mine = steps_of(user)
    return [
        _work_row(values, protocol, mine, offers.get(values["site_id"], []))
        for values in with_signed_versions(rows).values(*_FACTS, "site_id", "signed_versions")
    ]


def _narrowed(rows: QuerySet[Any], chosen: WorkFilter) -> QuerySet[Any]:
    if chosen.site:
        rows = rows.filter(site__code=chosen.site)
    if chosen.status:
        rows = rows.filter(status=chosen.status)
    if chosen.search:
        rows = rows.filter(code__icontains=chosen.search.strip())
    return rows


def _annotated(rows: QuerySet[Any]) -> QuerySet[Any]:
    def newest(role: SeriesRole, column: str) -> Subquery:
        series = every_series().filter(pair__participant=OuterRef("pk"), role=role)
        live = series.exclude(status=SeriesStatus.PURGED).order_by("-opened_at")
        return Subquery(live.values(column)[:1])

    jobs = every_job().filter(pair__participant=OuterRef("pk")).order_by("-requested_at")
    return with_open_criteria(rows).annotate(
        ct=newest(SeriesRole.SOURCE, "status"),
        ct_at=newest(SeriesRole.SOURCE, "settled_at"),
        pet=newest(SeriesRole.REFERENCE, "status"),
        pet_at=newest(SeriesRole.REFERENCE, "settled_at"),
        pair=F("scan_pair__status"),
        pair_at=F("scan_pair__settled_at"),
        pair_id=F("scan_pair__pk"),
        referenced=Exists(every_reference().filter(participant=OuterRef("pk"))),
        job=Subquery(jobs.values("status")[:1]),
    )


def _work_row(
    values: dict[str, Any], protocol: Protocol, mine: frozenset[Step], offers: Sequence[Offer]
) -> WorkRow:
    need = need_among(values["status"], values["signed_versions"], offers)
    missing = missing_step(
        ChainFacts(
            status=values["status"],
            screened_on=values["screening_date"],
            assessed_on=_day(values["assessed_at"]),
            enrolled_on=values["enrolled_on"],
            open_criteria=frozenset(values["open_criteria"]),
            open_at_screening=protocol.codes_settled_by("screening"),
            consent_code=protocol.code_of("consent"),
            artefacts_code=protocol.code_of("artefacts"),
            ct=values["ct"] or "",
            ct_on=_day(values["ct_at"]),
            pet=values["pet"] or "",
            pet_on=_day(values["pet_at"]),
            pair=values["pair"] or "",
            pair_on=_day(values["pair_at"]),
            referenced=values["referenced"],
            job=values["job"] or "",
            reconsent_since=need.since if need else None,
        )
    )
    return WorkRow(
        id=values["id"],
        code=values["code"],
        site=values["site__code"],
        status=values["status"],
        pair_id=values["pair_id"],
        missing=missing,
        mine=missing.step in mine,
    )


def _day(moment: datetime | None) -> date | None:
    return timezone.localdate(moment) if moment else None


@dataclass(frozen=True)
class Recruitment:
    """Recruitment of one site."""

    code: str
    name: str
    name_zh: str
    target: int
    screened: int
    enrolled: int
    pairs_ready: int

    @property
    def percent(self) -> float:
        """Enrolled as a share of the target."""
        return 100 * self.enrolled / self.target if self.target else 0.0


def recruitment(user: Person) -> list[Recruitment]:
    """Recruitment of every site whose dashboard the person may see."""
    enrolled = Q(participants__status__in=ENROLLED)
    rows = sites_visible_to(user, Action.SEE_DASHBOARD).annotate(
        screened=Count("participants"),
        enrolled=Count("participants", filter=enrolled),
        pairs_ready=Count("participants", filter=Q(participants__scan_pair__status="ready")),
    )
    return [  # a grouped query forgets the model's order
        Recruitment(
            row.code, row.name, row.name_zh, row.target, row.screened, row.enrolled, row.pairs_ready
        )
        for row in rows.order_by("code")
    ]


def enrolment_curve(user: Person) -> list[tuple[date, int]]:
    """Day and number of participants enrolled up to that day."""
    rows = list(
        _counted(user)
        .filter(enrolled_on__isnull=False)
        .order_by("enrolled_on")
        .values_list("enrolled_on")
        .annotate(n=Count("pk"))
    )
    return list(zip((day for day, _ in rows), accumulate(n for _, n in rows), strict=True))


def participant_counts(user: Person) -> dict[str, int]:
    """How many participants stand in each status."""
    return dict(_counted(user).order_by("status").values_list("status").annotate(n=Count("pk")))


def pair_counts(user: Person) -> dict[str, dict[str, int]]:
    """For each site how many pairs stand in each status."""
    counts: dict[str, dict[str, int]] = {}
    rows = (
        _counted(user)
        .filter(scan_pair__isnull=False)
        .order_by("site__code", "scan_pair__status")
        .values_list("site__code", "scan_pair__status")
        .annotate(n=Count("pk"))
    )
    for site, status, n in rows:
        counts.setdefault(site, {})[status] = n
    return counts


def job_counts(user: Person) -> dict[str, int]:
    """How many synthesis jobs of the person's sites stand in each status."""
    jobs = every_job().filter(pair__participant__site__in=site_ids(user, Action.SEE_DASHBOARD))
    return dict(jobs.order_by("status").values_list("status").annotate(n=Count("pk")))


def _counted(user: Person) -> QuerySet[Any]:
    """Participants that are counted on the person's dashboard, which names none of them."""
    return every_participant().filter(site__in=site_ids(user, Action.SEE_DASHBOARD))
