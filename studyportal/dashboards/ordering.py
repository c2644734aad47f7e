"""The order of the worklist, worked out by the database: a page needs fifty rows of ten thousand.

`rules.missing_step` says what a participant needs; here the same table stands as SQL, so that rows can be counted,
narrowed and ordered without reading all of them. A test compares the two. Each set is read once and looked up (`IN`),
moments are looked up only for the rows whose step has one, and all of it is one expression, because PostgreSQL works
out an expression as often as a statement names it.

Keys and numbers are all that comes out of here (`keys_of`, `number_of`). They are worked out for the participants of
the person's sites and past the wall of the tables below, which would look up every one of their rows anew; what is
shown of a participant is read again, behind it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import (
    Case,
    DateField,
    Exists,
    F,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce, TruncDate

from studyportal.clinical.selectors import every_reference
from studyportal.core.database.scope import in_scope, over_every_site
from studyportal.dashboards.rules import Step
from studyportal.imaging.selectors import every_series
from studyportal.imaging.states import PairStatus, SeriesRole, SeriesStatus
from studyportal.participants.selectors import assessed_at as assessed_at_of
from studyportal.participants.selectors import (
    every_participant,
    needing_consent,
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
_NEVER = "9999-12-31"
_CT, _PET = SeriesRole.SOURCE, SeriesRole.REFERENCE
Since = Combinable | None


def ordered(rows: QuerySet[Any], protocol: Protocol, *, mine: Collection[Step]) -> QuerySet[Any]:
    """The participants with their `urgency`: what needs the person first, of that what waits longest.

    The urgency is text that ends with the step, so that it is ordered and narrowed as it is.
    """
    needing = needing_consent(rows)
    codes = _codes_of(protocol)
    urgent = (
        _urgent(needing, codes, mine)
        if needing
        else _urgent_without_renewal(codes, frozenset(mine))
    )
    return in_scope(urgent & rows.order_by(), site="site").order_by("urgency", "code")


@lru_cache(maxsize=64)
def _urgent_without_renewal(codes: _Codes, mine: frozenset[Step]) -> QuerySet[Any]:
    """Kept, because building it takes Django longer than most pages take as a whole."""
    return _urgent({}, codes, mine)


def _urgent(
    needing: Mapping[date, list[UUID]], codes: _Codes, mine: Collection[Step]
) -> QuerySet[Any]:
    def urgency(step: Step, since: Since) -> Combinable:
        rank = "0" if step in mine else "2" if step in _LAST else "1"
        if since is None:
            return _text(f"{rank}{_NEVER}:{step}")
        day = Coalesce(Cast(since, TextField()), _text(_NEVER))
        return Func(_text(rank), day, _text(f":{step}"), function="CONCAT")

    whens = [
        When(condition, then=urgency(step, since))
        for condition, step, since in _table(codes, needing)
    ]
    case = Case(*whens, default=urgency(Step.COMPLETE, None), output_field=TextField())
    return every_participant().annotate(urgency=case).order_by()


@dataclass(frozen=True)
class _Codes:
    """What the order needs of a protocol."""

    screening: frozenset[str]
    consent: str
    artefacts: str


def _codes_of(protocol: Protocol) -> _Codes:
    return _Codes(
        protocol.codes_settled_by("screening"),
        protocol.code_of("consent"),
        protocol.code_of("artefacts"),
    )


def _text(words: str) -> Value:
    return Value(words, output_field=TextField())


def at_steps(rows: QuerySet[Any], steps: Collection[Step]) -> QuerySet[Any]:
    """Those of these ordered participants who need one of these steps."""
    if not steps:
        return rows.none()
    return rows.filter(urgency__regex=f":({'|'.join(sorted(steps))})$")


def keys_of(rows: QuerySet[Any]) -> list[UUID]:
    """Keys of these ordered participants, in their order."""
    with over_every_site("Only keys of the scope's own participants come out."):
        return [key for key, _ in rows.values_list("pk", "urgency")]


def number_of(rows: QuerySet[Any]) -> int:
    """How many these ordered participants are."""
    with over_every_site("Only a number of the scope's own participants comes out."):
        return rows.count()


def _here(role: SeriesRole) -> QuerySet[Any]:
    return every_series().filter(role=role).exclude(status=SeriesStatus.PURGED).order_by()


def _newest(role: SeriesRole, status: SeriesStatus) -> Q:
    """The newest series of this role that is still here stands in this status, as that of few pairs does."""
    with_one = _here(role).filter(status=status).values("pair")
    by_pair = _here(role).filter(pair__in=with_one).values("pair")
    newest = by_pair.annotate(newest=ArrayAgg("status", order_by="-opened_at"))
    return Q(scan_pair__in=newest.filter(newest__0=status).values("pair"))


def _arrived(role: SeriesRole) -> Q:
    """A series of this role is here, and the newest one is not on its way."""
    return Q(scan_pair__in=_here(role).values("pair")) & ~_newest(role, SeriesStatus.RECEIVING)


def _synthesised() -> QuerySet[Any]:
    by_pair = every_job().order_by().values("pair")
    newest = by_pair.annotate(newest=ArrayAgg("status", order_by="-requested_at"))
    return newest.filter(Q(newest__0=JobStatus.SUCCEEDED)).values("pair")


def _table(codes: _Codes, needing: Mapping[date, list[UUID]]) -> Iterator[tuple[Q, Step, Since]]:
    """Condition, step and day in the order of `rules.missing_step`; the first condition that holds counts."""
    yield Q(status__in=_OVER) | Q(scan_pair__status=PairStatus.EXCLUDED), Step.ENDED, None
    for day, keys in needing.items():
        yield Q(pk__in=keys), Step.RENEW_CONSENT, Value(day, output_field=DateField())
    yield from _at_screening(codes)
    yield from _at_images()
    yield from _at_judgement(codes)


def _at_screening(codes: _Codes) -> Iterator[tuple[Q, Step, Since]]:
    screening, consent = codes.screening, codes.consent
    only_consent = Q(pk__in=with_criterion_open({consent} & screening))
    only_consent &= ~Q(pk__in=with_criterion_open(screening - {consent}))
    screened = F("screening_date")
    yield Q(status=ParticipantStatus.ELIGIBLE), Step.ENROL, TruncDate(assessed_at_of())
    yield Q(status__in=_BEFORE) & only_consent, Step.RECORD_CONSENT, screened
    yield Q(status__in=_BEFORE), Step.ANSWER_CRITERIA, screened


def _at_images() -> Iterator[tuple[Q, Step, Since]]:
    ct, enrolled = _settled(_CT), F("enrolled_on")
    yield _newest(_CT, SeriesStatus.QUARANTINED), Step.MEND_FINDING, ct
    yield _newest(_PET, SeriesStatus.QUARANTINED), Step.MEND_FINDING, _settled(_PET)
    yield ~_arrived(_CT), Step.SEND_CT, enrolled
    yield ~_arrived(_PET), Step.SEND_PET, Coalesce(ct, enrolled)
    yield Q(scan_pair__status=PairStatus.QUERY_OPEN), Step.MEND_FINDING, _pair_settled()


def _at_judgement(codes: _Codes) -> Iterator[tuple[Q, Step, Since]]:
    ready = Q(scan_pair__status=PairStatus.READY)
    artefacts = Q(pk__in=with_criterion_open({codes.artefacts}))
    referenced = Exists(every_reference().filter(participant=OuterRef("pk")).order_by())
    checked = Coalesce(_settled(_PET), _settled(_CT))
    yield ready & artefacts, Step.JUDGE_ARTEFACTS, _pair_settled()
    yield Q(~referenced), Step.ENTER_REFERENCE, F("enrolled_on")
    yield ~ready, Step.WAIT_CHECKS, checked
    yield ~Q(scan_pair__in=_synthesised()), Step.WAIT_SYNTHESIS, _pair_settled()


def _pair_settled() -> TruncDate:
    return TruncDate("scan_pair__settled_at")


def _settled(role: SeriesRole) -> TruncDate:
    live = _here(role).filter(pair=OuterRef("scan_pair")).order_by("-opened_at")
    return TruncDate(Subquery(live.values("settled_at")[:1]))
