"""Raises, answers, reopens and closes data queries. Each name here is one use case."""

from studyportal.queries.services.answering import (
    answer_query,
    close_queries_about,
    close_query,
    reopen_query,
)
from studyportal.queries.services.raising import Subject, raise_query, settle_rules
from studyportal.queries.services.seeding import SeededQuery, seed_queries

__all__ = [
    "SeededQuery",
    "Subject",
    "answer_query",
    "close_queries_about",
    "close_query",
    "raise_query",
    "reopen_query",
    "seed_queries",
    "settle_rules",
]
