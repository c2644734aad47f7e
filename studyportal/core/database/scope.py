"""Whose sites the work at hand is for. Every statement carries the answer to the database; without one it sees no site.

Kept in a context variable, so a thread that was not told anything sees nothing. Knows neither Django nor rooms.
"""

from contextlib import ContextDecorator
from contextvars import ContextVar, Token
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

# The login of portal, workers and commands; it sees the rows of the sites that a transaction names.
APPLICATION_ROLE = "studyportal_app"
# What the application becomes for work that was declared to be over every site.
EVERY_SITE_ROLE = "studyportal_every_site"
SITES_SETTING = "studyportal.sites"


@dataclass(frozen=True)
class Scope:
    """The sites whose rows may be seen and written; `every` for all of them."""

    sites: frozenset[UUID] = frozenset()
    every: bool = False

    @cached_property
    def statement(self) -> str:
        """What says so to the database, for the length of one transaction. It gives one row."""
        role = EVERY_SITE_ROLE if self.every else APPLICATION_ROLE
        named = ",".join(sorted(map(str, self.sites)))  # ids only, so nothing needs quoting
        # Compiling a statement takes PostgreSQL longer than any page may take; it does so for estimates that count
        # every row's look-up through the wall, which it then makes once.
        return (
            f"SELECT set_config('role', '{role}', true), set_config('{SITES_SETTING}', '{named}', true), "
            "set_config('jit', 'off', true); "
        )


NO_SITE = Scope()
EVERY_SITE = Scope(every=True)

_current: ContextVar[Scope] = ContextVar("studyportal_scope", default=NO_SITE)


def current_scope() -> Scope:
    """Whose sites the statements of this context are for."""
    return _current.get()


class Within(ContextDecorator):
    """Statements inside are for these sites; afterwards for those of before. Also a decorator."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._before: list[Token[Scope]] = []

    def _recreate_cm(self) -> "Within":
        return Within(self._scope)  # each call of a decorated function has its own

    def __enter__(self) -> None:
        self._before.append(_current.set(self._scope))

    def __exit__(self, *_raised: object) -> None:
        _current.reset(self._before.pop())


def within(scope: Scope) -> Within:
    """Statements inside are for these sites."""
    return Within(scope)


def over_every_site(why: str) -> Within:
    """Statements inside see and write rows of every site: for background work, and for sums that show no row.

    `why` is a sentence for the reader of the code; without one this is refused.
    """
    if not why.strip():
        raise ValueError("Say why this works over every site.")
    return Within(EVERY_SITE)


def in_scope(rows: Any, *, site: str) -> Any:
    """The rows of the scope's sites, said in the statement itself, where `site` is the way from a row to its site.

    For sums and orders that are worked out over every site because the wall would look up each row of the tables
    below anew: what is outside of the scope is not counted even when the filter before was forgotten.
    """
    scope = current_scope()
    return rows if scope.every else rows.filter(**{f"{site}__in": scope.sites})


def narrow_to(scope: Scope) -> None:
    """The rest of this context is for these sites; whoever opened the context puts it back."""
    _current.set(scope)
