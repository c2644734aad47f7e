"""Many data queries at once, for a demonstration, each with its thread, its history and its acts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import models, transaction

from studyportal.core.bulk import (
    Moved,
    act_on,
    keep_all,
    moves_of,
    refuse_outside_demonstration,
)
from studyportal.core.errors import refuse_if
from studyportal.queries.models import DataQuery, QueryMessage
from studyportal.queries.rules import Asked, faults_of
from studyportal.queries.services.raising import Subject
from studyportal.queries.states import DATA_QUERY, MessageKind, QueryStatus

if TYPE_CHECKING:
    from studyportal.core.models import User

_STEP = timedelta(hours=20)
_ANSWER = "Compared with the source: it is right as it stands."
_CLOSED = "The answer is enough."
_PATHS = {
    QueryStatus.OPEN: (QueryStatus.OPEN,),
    QueryStatus.ANSWERED: (QueryStatus.OPEN, QueryStatus.ANSWERED),
    QueryStatus.CLOSED: (QueryStatus.OPEN, QueryStatus.ANSWERED, QueryStatus.CLOSED),
}
_VERBS = {
    QueryStatus.OPEN: ("raise_query", "was raised", MessageKind.ASKED),
    QueryStatus.ANSWERED: ("answer_query", "was answered", MessageKind.ANSWERED),
    QueryStatus.CLOSED: ("close_query", "was closed", MessageKind.CLOSED),
}


@dataclass(frozen=True)
class SeededQuery:
    """What is asked, since when, and how far it came; `asked_by` is empty where a rule asks."""

    subject: Subject
    asked: Asked
    at: datetime
    status: QueryStatus
    asked_by: User | None
    answered_by: User
    closed_by: User


@transaction.atomic
def seed_queries(*, queries: Sequence[SeededQuery]) -> int:
    """The queries stand as if they had been asked, answered and closed one by one; returns how many.

    Raises
    ------
    Refused
        Outside a demonstration, or when nothing is asked or nobody at the site could answer.
    """
    refuse_outside_demonstration()
    for query in queries:
        refuse_if(faults_of(query.asked, by_person=query.asked_by is not None))
    keep_all(row for query in queries for row in _rows(query))
    return len(queries)


def _rows(query: SeededQuery) -> Iterable[models.Model]:
    path = _PATHS[query.status]
    people = (query.asked_by, query.answered_by, query.closed_by)
    times = [query.at + place * _STEP for place in range(len(path))]
    row = DataQuery(
        site=query.subject.site,
        participant_code=query.subject.participant_code,
        form=query.subject.form,
        field=query.asked.field,
        subject_id=query.subject.subject_id,
        rule=query.asked.rule,
        evidence=query.asked.evidence,
        status=query.status,
        question=query.asked.question,
        assigned_to=query.asked.assigned_to,
        opened_at=query.at,
        opened_by=query.asked_by,
        answered_at=times[1] if len(path) > 1 else None,
        closed_at=times[2] if len(path) > 2 else None,
        closed_by=query.closed_by if len(path) > 2 else None,
    )
    yield row
    texts = (query.asked.question, _ANSWER, _CLOSED)
    yield from moves_of(
        row,
        DATA_QUERY,
        [Moved(status, at, by) for status, at, by in zip(path, times, people, strict=False)],
    )
    for status, at, by, text in zip(path, times, people, texts, strict=False):
        verb, what, kind = _VERBS[status]
        yield QueryMessage(query=row, kind=kind, text=text, at=at, by=by)
        sentence = (
            f"{query.subject.participant_code}: a data query {what}. Made up for a demonstration."
        )
        yield act_on(row, verb, sentence, at=at, by=by, site_code=query.subject.site.code)
