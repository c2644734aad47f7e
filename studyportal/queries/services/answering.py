"""What people do with a query: the site answers, the data manager or monitor closes it or asks again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from studyportal.core import clock
from studyportal.core.errors import refuse_if
from studyportal.core.services import advance
from studyportal.queries.models import DataQuery
from studyportal.queries.rules import ACT_ACTIONS, Act, act_faults
from studyportal.queries.services.thread import keep_act, say
from studyportal.queries.states import DATA_QUERY, LIVE, MessageKind, QueryStatus
from studyportal.sites.services import require

if TYPE_CHECKING:
    from studyportal.core.models import User


@transaction.atomic
def answer_query(*, query: DataQuery, text: str, by: User) -> DataQuery:
    """The site has answered; the data manager or monitor looks at it next.

    Raises
    ------
    Refused
        When there is no answer, or the query is not open.
    """
    _ready(query, Act.ANSWER, text, by=by)
    advance(query, DATA_QUERY, QueryStatus.ANSWERED, by=by, answered_at=clock.now())
    say(query, MessageKind.ANSWERED, text.strip(), by=by)
    keep_act("answer_query", query, "was answered", by=by)
    return query


@transaction.atomic
def close_query(*, query: DataQuery, text: str, by: User) -> DataQuery:
    """The query asks for nothing any more, for this reason.

    Raises
    ------
    Refused
        When there is no reason, or the query is closed already.
    """
    _ready(query, Act.CLOSE, text, by=by)
    advance(
        query,
        DATA_QUERY,
        QueryStatus.CLOSED,
        by=by,
        reason=text.strip(),
        closed_at=clock.now(),
        closed_by=by,
    )
    say(query, MessageKind.CLOSED, text.strip(), by=by)
    keep_act("close_query", query, "was closed", by=by, reason=text.strip())
    return query


@transaction.atomic
def reopen_query(*, query: DataQuery, text: str, by: User) -> DataQuery:
    """The answer did not settle it, and the site is asked again.

    Raises
    ------
    Refused
        When it is not said what is still open, or the query was not answered.
    """
    _ready(query, Act.REOPEN, text, by=by)
    advance(query, DATA_QUERY, QueryStatus.OPEN, by=by, reason=text.strip())
    say(query, MessageKind.REOPENED, text.strip(), by=by)
    keep_act("reopen_query", query, "was opened again", by=by, reason=text.strip())
    return query


@transaction.atomic
def close_queries_about(*, participant_code: str, reason: str) -> int:
    """Nothing is asked about the participant any more, for this reason; returns how many queries that closed."""
    live = (
        DataQuery.objects.select_for_update(of=("self",))
        .select_related("site")
        .filter(participant_code=participant_code, status__in=LIVE)
        .order_by("rule", "field", "pk")
    )
    closed = 0
    for query in live:
        say(query, MessageKind.CLOSED, reason, by=None)
        advance(
            query, DATA_QUERY, QueryStatus.CLOSED, by=None, reason=reason, closed_at=clock.now()
        )
        keep_act("close_query", query, "was closed", by=None, reason=reason)
        closed += 1
    return closed


def _ready(query: DataQuery, act: Act, text: str, *, by: User) -> None:
    require(by, ACT_ACTIONS[act], site=query.site)
    refuse_if(act_faults(act, text))
