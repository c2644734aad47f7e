"""Queries come from people and from rules. Those of rules are never doubled, and close when the fault is gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction

from studyportal.core import clock
from studyportal.core.errors import refuse_if
from studyportal.core.services import advance, begin
from studyportal.queries.models import DataQuery
from studyportal.queries.rules import Asked, faults_of
from studyportal.queries.services.thread import keep_act, say
from studyportal.queries.states import DATA_QUERY, LIVE, MessageKind, QueryStatus
from studyportal.sites.rules import Action
from studyportal.sites.services import require

if TYPE_CHECKING:
    from studyportal.core.models import User
    from studyportal.sites.models import Site

_MENDED = "Mended: the check no longer finds it."


@dataclass(frozen=True)
class Subject:
    """What queries are about: a form of a participant, by plain keys, and the row behind it."""

    site: Site
    participant_code: str
    form: str
    subject_id: UUID


@transaction.atomic
def raise_query(*, subject: Subject, asked: Asked, by: User | None) -> DataQuery:
    """The site is asked. A rule that asks the same of the same subject again gets the query that stands.

    When a rule finds the fault again in new evidence, an answered query is open again, and a changed sentence stands
    in the thread. A query that a person closed is not asked again of the same evidence.

    Raises
    ------
    Refused
        When nothing is asked, or nobody at the site could answer.
    """
    if by is not None:
        require(by, Action.RAISE_QUERY, site=subject.site)
    refuse_if(faults_of(asked, by_person=by is not None))
    return _opened(subject, asked, by=by) if by is not None else _asked_by_rule(subject, asked)


@transaction.atomic
def settle_rules(*, subject: Subject, asked: Iterable[Asked]) -> list[DataQuery]:
    """The queries of rules on this subject are exactly these; the others close, because the fault is gone."""
    # One order for everybody, so that two writers cannot wait for each other.
    found = sorted(asked, key=lambda one: (one.rule, one.field))
    standing = [raise_query(subject=subject, asked=one, by=None) for one in found]
    mended = (
        DataQuery.objects.select_for_update(of=("self",))
        .select_related("site")
        .filter(form=subject.form, subject_id=subject.subject_id, status__in=LIVE)
        .exclude(rule="")
        .exclude(pk__in=[query.pk for query in standing])
        .order_by("rule", "field")
    )
    for query in mended:
        say(query, MessageKind.CLOSED, _MENDED, by=None)
        advance(
            query,
            DATA_QUERY,
            QueryStatus.CLOSED,
            by=None,
            reason="the fault was mended",
            closed_at=clock.now(),
        )
        keep_act("close_query", query, "closed itself: the fault was mended", by=None)
    return standing


def _asked_by_rule(subject: Subject, asked: Asked) -> DataQuery:
    key = {"rule": asked.rule, "subject_id": subject.subject_id, "field": asked.field}
    same = DataQuery.objects.select_related("site").filter(**key)
    standing = same.select_for_update(of=("self",)).filter(status__in=LIVE).first()
    if standing is None:
        closed = same.filter(evidence=asked.evidence, closed_by__isnull=False).last()
        if closed is not None:  # a person who saw this very evidence has closed it
            return closed
        # Of two writers who come here the second waits for the first, and gets the query of the first.
        standing, created = DataQuery.objects.select_for_update(of=("self",)).get_or_create(
            **key, status__in=LIVE, defaults=_first_words(subject, asked)
        )
        if created:
            return _begun(standing, by=None)
    return _found_again(standing, subject, asked)


def _found_again(query: DataQuery, subject: Subject, asked: Asked) -> DataQuery:
    if query.participant_code != subject.participant_code:  # images were assigned in the meantime
        query.participant_code = subject.participant_code
        query.save(update_fields=["participant_code"])
    if query.evidence == asked.evidence:
        return query
    answered = query.status == QueryStatus.ANSWERED
    if answered or query.question != asked.question:
        say(query, MessageKind.FOUND_AGAIN, asked.question, by=None)
    if answered:
        advance(query, DATA_QUERY, QueryStatus.OPEN, by=None, reason="the check found it again")
        keep_act("reopen_query", query, "is open again: the check found the fault again", by=None)
    query.evidence, query.question = asked.evidence, asked.question
    query.save(update_fields=["evidence", "question"])
    return query


def _opened(subject: Subject, asked: Asked, *, by: User) -> DataQuery:
    words = _first_words(subject, asked)
    row = DataQuery.objects.create(
        subject_id=subject.subject_id, field=asked.field, opened_by=by, **words
    )
    return _begun(row, by=by)


def _first_words(subject: Subject, asked: Asked) -> dict[str, object]:
    return {
        "site": subject.site,
        "participant_code": subject.participant_code,
        "form": subject.form,
        "evidence": asked.evidence,
        "status": QueryStatus.OPEN,
        "question": asked.question.strip(),
        "assigned_to": asked.assigned_to,
        "opened_at": clock.now(),
    }


def _begun(query: DataQuery, *, by: User | None) -> DataQuery:
    begin(query, DATA_QUERY, by=by)
    say(query, MessageKind.ASKED, query.question, by=by)
    keep_act("raise_query", query, "was raised", by=by)
    return query
