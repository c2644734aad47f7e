"""Who acts, by what way and why: what the audit trail of the database keeps beside every change.

Requests, tasks and commands enter `acting()` once; services say why with `because()`. The facts go to the
database with every statement that writes, as settings of its transaction.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pghistory
from django.db import connection
from django.utils.functional import lazy
from psycopg.pq import TransactionStatus

from studyportal.core.errors import Reason, Refused

_FORGET = (
    "SELECT set_config('pghistory.context_id', '', true), "
    "set_config('pghistory.context_metadata', '', true)"
)


@contextmanager
def acting(**facts: Any) -> Iterator[None]:
    """Every change inside is kept with these facts; inner facts win, and end where they began.

    Known names are `user` (key), `roles`, `reason`, `request`, `session`, `address`, `task`, `job` and `command`.
    """
    outermost = False
    try:
        with pghistory.context() as current:
            former = dict(current.metadata)
            outermost = not former
            current.metadata.update(facts)
            try:
                yield
            finally:
                current.metadata.clear()
                current.metadata.update(former)
    finally:
        if outermost:
            _forget()


@contextmanager
def because(reason: str) -> Iterator[None]:
    """What is changed inside is kept with this reason (21 CFR 11.10(e), ICH E6(R3) 4.2.2).

    Raises
    ------
    Refused
        When the reason is empty.
    """
    if not reason.strip():
        raise Refused(Reason("reason_missing", "Say why this is changed.", "reason"))
    with acting(reason=reason.strip()):
        yield


def later(fact: Callable[[], object]) -> Any:
    """Return a fact that is looked up when something is written, and not before."""
    return lazy(lambda: str(fact()), str)()


def _forget() -> None:
    """Nothing that follows in the same transaction is kept as done by whoever acted before."""
    if not connection.in_atomic_block or connection.needs_rollback:
        return  # each transaction begins without facts
    if connection.connection.info.transaction_status == TransactionStatus.INTRANS:
        with connection.cursor() as cursor:
            cursor.execute(_FORGET)
