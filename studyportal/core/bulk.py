"""Many rows in few statements, with their history and their acts: for services that fill a demonstration.

Every trigger and constraint of the database acts on them as on rows that are kept one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.conf import settings
from django.db import models

from studyportal.core import clock
from studyportal.core.errors import Reason, Refused
from studyportal.core.models import AuditEvent, StatusChange, User
from studyportal.core.states import Machine

_AT_ONCE = 2000


@dataclass(frozen=True)
class Moved:
    """One move of a row: where to, when, by whom, and why."""

    target: str
    at: datetime
    by: User | None
    reason: str = ""


def refuse_outside_demonstration() -> None:
    """Made-up participants stand in no real study.

    Raises
    ------
    Refused
        When this installation is not a demonstration.
    """
    if not settings.DEMO:
        sentence = "Made-up participants are kept in a demonstration only (STUDYPORTAL_DEMO=1)."
        raise Refused(Reason("not_a_demonstration", sentence))


def midday(day: date) -> datetime:
    """Noon in China on that day; a minute ago where that is still to come."""
    return min(datetime.combine(day, time(4), UTC), clock.now() - timedelta(minutes=1))


def moves_of(row: models.Model, machine: Machine, moves: Sequence[Moved]) -> list[StatusChange]:
    """The history of a row that has made these moves; the first one is its beginning.

    Raises
    ------
    Refused
        When the table of moves does not allow them, or they do not end where the row stands.
    """
    origin = ""
    rows = []
    for move in moves:
        allowed = (
            machine.may_move(origin, move.target) if origin else move.target == machine.initial
        )
        if not allowed:
            raise Refused(Reason("move", f"{row}: {origin or '(new)'} → {move.target} is no move."))
        rows.append(
            StatusChange(
                at=move.at,
                machine=machine.name,
                object_id=row.pk,
                origin=origin,
                target=move.target,
                by=move.by,
                reason=move.reason,
            )
        )
        origin = move.target
    if origin != row.status:  # type: ignore[attr-defined]  # every row with a machine has a status
        raise Refused(Reason("move", f"{row} does not stand where its history ends."))
    return rows


def act_on(
    row: models.Model,
    verb: str,
    sentence: str,
    *,
    at: datetime,
    by: User | None,
    site_code: str,
) -> AuditEvent:
    """The act as it will stand in the trail."""
    return AuditEvent(
        at=at,
        by=by,
        verb=verb,
        object_type=row._meta.model_name or "",
        object_id=str(row.pk),
        site_code=site_code,
        sentence=sentence,
    )


def keep_all(rows: Iterable[models.Model]) -> None:
    """Every row is kept: tables in the order in which they first come, rows before what points to them."""
    tables: dict[type[models.Model], list[models.Model]] = {}
    for row in rows:
        tables.setdefault(type(row), []).append(row)
    for model, own in tables.items():
        model._default_manager.bulk_create(own, batch_size=_AT_ONCE)
