"""What raising and answering share: a message in the thread, and an act in the trail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studyportal.core import clock
from studyportal.core.services import record
from studyportal.queries.models import DataQuery, QueryMessage

if TYPE_CHECKING:
    from studyportal.core.models import User
    from studyportal.queries.states import MessageKind


def say(query: DataQuery, kind: MessageKind, text: str, *, by: User | None) -> None:
    """The message stands in the thread."""
    QueryMessage.objects.create(query=query, kind=kind, text=text, at=clock.now(), by=by)


def keep_act(verb: str, query: DataQuery, what: str, *, by: User | None, reason: str = "") -> None:
    """The act stands in the trail; what the query says does not, as it may hold clinical values."""
    about = query.participant_code or query.site.code
    record(
        verb,
        query,
        f"{about}: a data query {what}.",
        by=by,
        site_code=query.site.code,
        reason=reason,
    )
