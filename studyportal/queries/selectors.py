"""Reads of data queries, scoped to the sites the person may see."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, cast
from uuid import UUID

from django.db.models import Count, Min, Q, QuerySet, Window

from studyportal.core.language import english_of
from studyportal.core.models import StatusChange
from studyportal.core.searching import holding
from studyportal.core.selectors import history_of
from studyportal.queries.models import DataQuery, QueryMessage
from studyportal.queries.rules import ACT_ACTIONS, Act, AgeBand, acts_at, days_of
from studyportal.queries.states import DATA_QUERY, LIVE, QueryStatus
from studyportal.sites.rules import Action
from studyportal.sites.selectors import Person, may, roles_of, sites_visible_to


@dataclass(frozen=True)
class QueryFilter:
    """What the person narrowed the queries to; without a state, those that are not closed."""

    state: str = ""
    site: str = ""
    participant: str = ""
    form: str = ""
    age: str = ""
    words: str = ""


@dataclass(frozen=True)
class SiteAges:
    """Queries of one site that are not closed."""

    site: str
    by_age: dict[AgeBand, int]
    answered: int

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.by_age.values())


def queries_visible_to(user: Person) -> QuerySet[DataQuery]:
    """Queries of the sites at which the person may see them."""
    return DataQuery.objects.filter(
        site__in=sites_visible_to(user, Action.SEE_QUERIES)
    ).select_related("site", "opened_by", "closed_by")


def query_for(user: Person, query_id: UUID) -> DataQuery | None:
    """The query, or None when it does not exist or the person may not see it."""
    return queries_visible_to(user).filter(pk=query_id).first()


def waiting_for(user: Person) -> QuerySet[DataQuery]:
    """Queries that ask for this person: open ones for who is asked, answered ones for who closes them."""
    to_answer = Q(
        status=QueryStatus.OPEN,
        assigned_to__in=roles_of(user),
        site__in=sites_visible_to(user, Action.ANSWER_QUERY),
    )
    to_close = Q(status=QueryStatus.ANSWERED, site__in=sites_visible_to(user, Action.CLOSE_QUERY))
    return queries_visible_to(user).filter(to_answer | to_close)


def grouped_queries(user: Person, chosen: QueryFilter, *, today: date) -> QuerySet[DataQuery]:
    """The queries that the filter leaves, form by form of each participant; the group that waits longest first."""
    rows = waiting_for(user) if chosen.state == "mine" else queries_visible_to(user)
    rows = _in_state(rows, chosen.state).filter(_narrowing(chosen, today=today))
    if chosen.words.strip():
        rows = rows.filter(_saying(chosen.words))
    # People are fetched for the page shown, so that the sort of everything carries no more than it needs.
    rows = rows.select_related(None).select_related("site").prefetch_related("opened_by")
    group = ("site", "participant_code", "form")
    return rows.annotate(group_since=Window(Min("opened_at"), partition_by=list(group))).order_by(
        "group_since", "site__code", "participant_code", "form", "opened_at", "id"
    )


def _saying(words: str) -> Q:
    """Queries whose thread holds the words, as it was written or as the portal says it in the reader's language."""
    said = QueryMessage.objects.all()
    found = Q(pk__in=holding(said, "text", words).values("query"))
    for piece in english_of(words):
        found |= Q(pk__in=holding(said, "text", piece).filter(text__contains=piece).values("query"))
    return found


def _in_state(rows: QuerySet[DataQuery], state: str) -> QuerySet[DataQuery]:
    if state in set(QueryStatus):
        return rows.filter(status=state)
    return rows if state in ("all", "mine") else rows.filter(status__in=LIVE)


def _narrowing(chosen: QueryFilter, *, today: date) -> Q:
    wanted = Q()
    if chosen.site:
        wanted &= Q(site__code=chosen.site)
    if chosen.participant:
        wanted &= Q(participant_code__icontains=chosen.participant.strip().replace("\x00", ""))
    if chosen.form:
        wanted &= Q(form=chosen.form)
    if chosen.age in set(AgeBand):
        wanted &= _aged(AgeBand(chosen.age), today=today)
    return wanted


def _aged(band: AgeBand, *, today: date) -> Q:
    first, last = days_of(band)
    # What was opened "tomorrow" by a clock that lags counts as today's.
    newest = Q(opened_at__date__lte=today - timedelta(days=first)) if first else Q()
    if last is None:
        return newest
    return newest & Q(opened_at__date__gte=today - timedelta(days=last))


def queries_of(user: Person, participant_code: str) -> QuerySet[DataQuery]:
    """Queries of one participant, those that are not closed first."""
    rows = queries_visible_to(user).filter(participant_code=participant_code)
    return rows.order_by("closed_at", "opened_at", "id")  # PostgreSQL puts "not yet" last


def live_about(subject_id: UUID) -> int:
    """How many queries about this row are not closed."""
    return DataQuery.objects.filter(subject_id=subject_id, status__in=LIVE).count()


def live_among(subject_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many queries about each of these rows are not closed; rows without one are missing."""
    rows = DataQuery.objects.filter(subject_id__in=subject_ids, status__in=LIVE).order_by()
    return dict(rows.values_list("subject_id").annotate(n=Count("pk")))


def live_counts(user: Person, codes: Collection[str]) -> dict[str, int]:
    """How many queries of these participants are not closed; participants without one are missing."""
    rows = queries_visible_to(user).filter(participant_code__in=codes, status__in=LIVE)
    counted = rows.order_by().values_list("participant_code").annotate(n=Count("pk"))
    return dict(counted)


def counts_by_age(user: Person, *, today: date) -> list[SiteAges]:
    """Queries that are not closed, by site and age, for the dashboard, which names no participant."""
    rows = DataQuery.objects.filter(
        status__in=LIVE, site__in=sites_visible_to(user, Action.SEE_DASHBOARD)
    )
    bands = {band.value: Count("pk", filter=_aged(band, today=today)) for band in AgeBand}
    answered = Count("pk", filter=Q(status=QueryStatus.ANSWERED))
    counted = rows.order_by("site__code").values("site__code").annotate(**bands, done=answered)
    return [
        SiteAges(row["site__code"], {band: row[band.value] for band in AgeBand}, row["done"])
        for row in cast("Iterable[dict[str, Any]]", counted)
    ]


def messages_of(query: DataQuery) -> QuerySet[QueryMessage]:
    """The thread, oldest first."""
    return query.messages.select_related("by")


def moves_of(query: DataQuery) -> QuerySet[StatusChange]:
    """The history of its statuses, oldest first."""
    return history_of(DATA_QUERY.name, query.pk)


def acts_on_query(user: Person, query: DataQuery) -> tuple[Act, ...]:
    """What the person may do with the query now."""
    held = {right for right in ACT_ACTIONS.values() if may(user, right, site=query.site)}
    return acts_at(query.status, held)


def ids_about(participant_code: str) -> list[UUID]:
    """Ids of every query about this participant, for reads that scope by site themselves."""
    return list(
        DataQuery.objects.filter(participant_code=participant_code).values_list("pk", flat=True)
    )
