from enum import StrEnum

from studyportal.core.states import machine


class QueryStatus(StrEnum):
    OPEN = "open"
    ANSWERED = "answered"
    CLOSED = "closed"


class MessageKind(StrEnum):
    """What a message of the thread did."""

    ASKED = "asked"
    FOUND_AGAIN = "found_again"
    ANSWERED = "answered"
    REOPENED = "reopened"
    CLOSED = "closed"


LIVE = (QueryStatus.OPEN, QueryStatus.ANSWERED)

DATA_QUERY = machine(
    "data query",
    QueryStatus,
    QueryStatus.OPEN,
    open="answered closed",
    answered="closed open",
    closed="",
)
