"""The order of the worklist, worked out by the database: a page needs fifty rows of ten thousand.

`rules.missing_step` says what a participant needs; here the same table stands as SQL, so that rows can be counted,
narrowed and ordered without reading all of them. A test compares the two. Each set of participants is read once and
looked up (`IN`), moments are looked up only for the rows whose step has one, and all of it is one expression, because
PostgreSQL works out an expression as often as a statement names it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import (
    Case,
    DateField,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce, Concat, TruncDate

from studyportal.clinical.selectors import every_reference
from studyportal.dashboards.rules import Step
from studyportal.imaging.selectors import every_series
from studyportal.imaging.states import PairStatus, SeriesRole, SeriesStatus
from studyportal.participants.selectors import assessed_at as assessed_at_of
from studyportal.participants.selectors import needing_consent, with_criterion_open
from studyportal.participants.states import ParticipantStatus
from studyportal.syntheses.selectors import every_job
from studyportal.syntheses.states import JobStatus

if TYPE_CHECKING:
    from uuid import UUID

    from studyportal.protocol.rules import Protocol

_LAST = (Step.COMPLETE, Step.ENDED)
_OVER = (ParticipantStatus.SCREEN_FAILED, ParticipantStatus.DISCONTINUED)
_BEFORE = (ParticipantStatus.SCREENED, ParticipantStatus.ELIGIBLE)
_NEVER = "9999-12-31"
_CT, _PET = SeriesRole.SOURCE, SeriesRole.REFERENCE
_ARRIVED = tuple(set(SeriesStatus) - {SeriesStatus.PURGED, SeriesStatus.RECEIVING})
Since = Combinable | None


def ordered(rows: QuerySet[Any], protocol: Protocol, *, mine: Collection[Step]) -> QuerySet[Any]:
    """The participants with their `urgency`: what needs the person first, of that what waits longest.

    The urgency is text that ends with the step, so that it is ordered and narrowed as it is.
    """

    def urgency(step: Step, since: Since) -> Concat:
        rank = "0" if step in mine else "2" if step in _LAST else "1"
        day = _text(_NEVER) if since is None else Coalesce(Cast(since, TextField()), _text(_NEVER))
        return Concat(_text(rank), day, _text(f":{step}"), output_field=TextField())

    whens = [
        When(condition, then=urgency(step, since))
        for condition, step, since in _table(protocol, needing_consent(rows))
    ]
    case = Case(*whens, default=urgency(Step.COMPLETE, None), output_field=TextField())
    return rows.annotate(urgency=case).order_by("urgency", "code")


def _text(words: str) -> Value:
    return Value(words, output_field=TextField())


def at_steps(rows: QuerySet[Any], steps: Collection[Step]) -> QuerySet[Any]:
    """Those of these ordered participants who need one of these steps."""
    if not steps:
        return rows.none()
    return rows.filter(urgency__regex=f":({'|'.join(sorted(steps))})$")


def _newest(role: SeriesRole, statuses: Collection[SeriesStatus]) -> QuerySet[Any]:
    """Participants whose newest series of this role that is still here stands in one of these statuses."""
    live = every_series().filter(role=role).exclude(status=SeriesStatus.PURGED)
    if len(statuses) == 1:  # few have any such series
        live = live.filter(pair__in=live.filter(status__in=statuses).order_by().values("pair"))
    by_pair = live.order_by().values("pair__participant")
    newest = by_pair.annotate(newest=ArrayAgg("status", order_by="-opened_at"))
    return newest.filter(newest__0__in=list(statuses)).values("pair__participant")


def _synthesised() -> QuerySet[Any]:
    by_pair = every_job().order_by().values("pair__participant")
    newest = by_pair.annotate(newest=ArrayAgg("status", order_by="-requested_at"))
    return newest.filter(newest__0__in=[JobStatus.SUCCEEDED]).values("pair__participant")


def _table(
    protocol: Protocol, needing: Mapping[date, list[UUID]]
) -> Iterator[tuple[Q, Step, Since]]:
    """Condition, step and day in the order of `rules.missing_step`; the first condition that holds counts."""
    yield Q(status__in=_OVER) | Q(scan_pair__status=PairStatus.EXCLUDED), Step.ENDED, None
    for day, keys in needing.items():
        yield Q(pk__in=keys), Step.RENEW_CONSENT, Value(day, output_field=DateField())
    yield from _at_screening(protocol)
    yield from _at_images()
    yield from _at_judgement(protocol)


def _at_screening(protocol: Protocol) -> Iterator[tuple[Q, Step, Since]]:
    screening, consent = protocol.codes_settled_by("screening"), protocol.code_of("consent")
    only_consent = Q(pk__in=with_criterion_open({consent} & screening))
    only_consent &= ~Q(pk__in=with_criterion_open(screening - {consent}))
    screened = F("screening_date")
    yield Q(status=ParticipantStatus.ELIGIBLE), Step.ENROL, TruncDate(assessed_at_of())
    yield Q(status__in=_BEFORE) & only_consent, Step.RECORD_CONSENT, screened
    yield Q(status__in=_BEFORE), Step.ANSWER_CRITERIA, screened


def _at_images() -> Iterator[tuple[Q, Step, Since]]:
    ct, enrolled = _settled(_CT), F("enrolled_on")
    yield Q(pk__in=_newest(_CT, {SeriesStatus.QUARANTINED})), Step.MEND_FINDING, ct
    yield Q(pk__in=_newest(_PET, {SeriesStatus.QUARANTINED})), Step.MEND_FINDING, _settled(_PET)
    yield ~Q(pk__in=_newest(_CT, _ARRIVED)), Step.SEND_CT, enrolled
    yield ~Q(pk__in=_newest(_PET, _ARRIVED)), Step.SEND_PET, Coalesce(ct, enrolled)
    yield Q(scan_pair__status=PairStatus.QUERY_OPEN), Step.MEND_FINDING, _pair_settled()


def _at_judgement(protocol: Protocol) -> Iterator[tuple[Q, Step, Since]]:
    ready = Q(scan_pair__status=PairStatus.READY)
    artefacts = Q(pk__in=with_criterion_open({protocol.code_of("artefacts")}))
    referenced = every_reference().order_by().values("participant").distinct()
    checked = Coalesce(_settled(_PET), _settled(_CT))
    yield ready & artefacts, Step.JUDGE_ARTEFACTS, _pair_settled()
    yield ~Q(pk__in=referenced), Step.ENTER_REFERENCE, F("enrolled_on")
    yield ~ready, Step.WAIT_CHECKS, checked
    yield ~Q(pk__in=_synthesised()), Step.WAIT_SYNTHESIS, _pair_settled()


def _pair_settled() -> TruncDate:
    return TruncDate("scan_pair__settled_at")


def _settled(role: SeriesRole) -> TruncDate:
    series = every_series().filter(pair__participant=OuterRef("pk"), role=role)
    live = series.exclude(status=SeriesStatus.PURGED).order_by("-opened_at")
    return TruncDate(Subquery(live.values("settled_at")[:1]))
