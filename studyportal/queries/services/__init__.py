"""Raises, answers, reopens and closes data queries. Each name here is one use case."""

from studyportal.queries.services.answering import (
    answer_query,
    close_queries_about,
    close_query,
    reopen_query,
)
from studyportal.queries.services.raising import Subject, raise_query, settle_rules

__all__ = [
    "Subject",
    "answer_query",
    "close_queries_about",
    "close_query",
    "raise_query",
    "reopen_query",
    "settle_rules",
]
