"""The order of the worklist, worked out by the database: a page needs fifty rows of ten thousand.

`rules.missing_step` says what a participant needs; here the same table stands as SQL, so that rows can be counted,
narrowed and ordered without reading all of them. A test compares the two. Each set of participants is read once and
looked up (`IN`), and moments are looked up only for the rows whose step has one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from django.db.models import (
    Case,
    DateField,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Coalesce, TruncDate

from studyportal.clinical.selectors import every_reference
from studyportal.dashboards.rules import Step
from studyportal.imaging.selectors import every_series
from studyportal.imaging.states import PairStatus, SeriesRole, SeriesStatus
from studyportal.participants.selectors import (
    needing_consent,
    with_assessment,
    with_criterion_open,
)
from studyportal.participants.states import ParticipantStatus
from studyportal.syntheses.selectors import every_job
from studyportal.syntheses.states import JobStatus

if TYPE_CHECKING:
    from uuid import UUID

    from studyportal.protocol.rules import Protocol

_LAST = (Step.COMPLETE, Step.ENDED)
_OVER = (ParticipantStatus.SCREEN_FAILED, ParticipantStatus.DISCONTINUED)
_BEFORE = (ParticipantStatus.SCREENED, ParticipantStatus.ELIGIBLE)
Ids = QuerySet[Any] | list["UUID"]


def ordered(rows: QuerySet[Any], protocol: Protocol, *, mine: Iterable[Step]) -> QuerySet[Any]:
    """The participants with `step` and `since`: what needs the person first, of that what waits longest."""
    needing = needing_consent(rows)
    found = with_assessment(rows).annotate(step=_step(protocol, needing))
    found = found.annotate(since=_since(needing))
    rank = Case(
        When(step__in=list(mine), then=0),
        When(step__in=_LAST, then=2),
        default=1,
        output_field=IntegerField(),
    )
    return found.order_by(rank, F("since").asc(nulls_last=True), "code")


def _newest(role: SeriesRole, *statuses: SeriesStatus) -> QuerySet[Any]:
    """Participants whose newest series of this role that is still here stands in one of these statuses."""
    live = every_series().filter(role=role).exclude(status=SeriesStatus.PURGED)
    newest = live.order_by("pair", "-opened_at").distinct("pair")
    chosen = every_series().filter(pk__in=newest.values("pk"), status__in=statuses)
    return chosen.order_by().values("pair__participant")


def _sent(role: SeriesRole) -> QuerySet[Any]:
    """Participants of whom a series of this role is here or on its way through intake."""
    return _newest(role, *(set(SeriesStatus) - {SeriesStatus.PURGED, SeriesStatus.RECEIVING}))


def _synthesised() -> QuerySet[Any]:
    newest = every_job().order_by("pair", "-requested_at").distinct("pair")
    done = every_job().filter(pk__in=newest.values("pk"), status=JobStatus.SUCCEEDED)
    return done.order_by().values("pair__participant")


def _step(protocol: Protocol, needing: Mapping[date, list[UUID]]) -> Case:
    """Conditions in the order of `rules.missing_step`; the first that holds counts."""
    ct, pet = SeriesRole.SOURCE, SeriesRole.REFERENCE
    refused = _newest(ct, SeriesStatus.QUARANTINED), _newest(pet, SeriesStatus.QUARANTINED)
    screening = protocol.codes_settled_by("screening")
    others = screening - {protocol.code_of("consent")}
    consent_only = Q(pk__in=with_criterion_open({protocol.code_of("consent")} & screening))
    consent_only &= ~Q(pk__in=with_criterion_open(others))
    artefacts = Q(pk__in=with_criterion_open({protocol.code_of("artefacts")}))
    referenced = every_reference().order_by().values("participant").distinct()
    ready = Q(scan_pair__status=PairStatus.READY)
    table: tuple[tuple[Q, Step], ...] = (
        (Q(status__in=_OVER) | Q(scan_pair__status=PairStatus.EXCLUDED), Step.ENDED),
        (Q(pk__in=[key for keys in needing.values() for key in keys]), Step.RENEW_CONSENT),
        (Q(status=ParticipantStatus.ELIGIBLE), Step.ENROL),
        (Q(status__in=_BEFORE) & consent_only, Step.RECORD_CONSENT),
        (Q(status__in=_BEFORE), Step.ANSWER_CRITERIA),
        (Q(pk__in=refused[0]) | Q(pk__in=refused[1]), Step.MEND_FINDING),
        (~Q(pk__in=_sent(ct)), Step.SEND_CT),
        (~Q(pk__in=_sent(pet)), Step.SEND_PET),
        (Q(scan_pair__status=PairStatus.QUERY_OPEN), Step.MEND_FINDING),
        (ready & artefacts, Step.JUDGE_ARTEFACTS),
        (~Q(pk__in=referenced), Step.ENTER_REFERENCE),
        (~ready, Step.WAIT_CHECKS),
        (~Q(pk__in=_synthesised()), Step.WAIT_SYNTHESIS),
    )
    whens = [When(condition, then=Value(step.value)) for condition, step in table]
    return Case(*whens, default=Value(Step.COMPLETE.value), output_field=TextField())


def _since(needing: Mapping[date, list[UUID]]) -> Case:
    """The day from which each step has been waiting, as `rules.missing_step` says it."""
    ct, pet = _settled(SeriesRole.SOURCE), _settled(SeriesRole.REFERENCE)
    pair = TruncDate("scan_pair__settled_at")
    renewals = [
        When(step=Step.RENEW_CONSENT, pk__in=keys, then=Value(day)) for day, keys in needing.items()
    ]
    refused_ct = Q(pk__in=_newest(SeriesRole.SOURCE, SeriesStatus.QUARANTINED))
    refused_pet = Q(pk__in=_newest(SeriesRole.REFERENCE, SeriesStatus.QUARANTINED))
    return Case(
        *renewals,
        When(step=Step.ENROL, then=TruncDate("assessed_at")),
        When(step__in=(Step.RECORD_CONSENT, Step.ANSWER_CRITERIA), then=F("screening_date")),
        When(Q(step=Step.MEND_FINDING) & refused_ct, then=ct),
        When(Q(step=Step.MEND_FINDING) & refused_pet, then=pet),
        When(step=Step.SEND_PET, then=Coalesce(ct, F("enrolled_on"))),
        When(step__in=(Step.SEND_CT, Step.ENTER_REFERENCE), then=F("enrolled_on")),
        When(step=Step.WAIT_CHECKS, then=Coalesce(pet, ct)),
        When(step__in=_LAST, then=Value(None)),
        default=pair,
        output_field=DateField(),
    )


def _settled(role: SeriesRole) -> TruncDate:
    series = every_series().filter(pair__participant=OuterRef("pk"), role=role)
    live = series.exclude(status=SeriesStatus.PURGED).order_by("-opened_at")
    return TruncDate(Subquery(live.values("settled_at")[:1]))
