"""`advance()` is the only way a status changes; `record()` is the only way an act is kept."""

from contextlib import nullcontext
from datetime import date, timedelta

from django.db import models, transaction

from studyportal.core import clock
from studyportal.core.audit_context import because
from studyportal.core.database.scope import Within, over_every_site
from studyportal.core.errors import Reason, Refused, StaleState
from studyportal.core.models import AuditEvent, Digest, StatusChange, User
from studyportal.core.states import Machine


def begin(row: models.Model, machine: Machine, *, by: User | None, reason: str = "") -> None:
    """Write the first row of history of a newly created object."""
    with _kept_wherever():
        StatusChange.objects.create(
            at=clock.now(),
            machine=machine.name,
            object_id=row.pk,
            origin="",
            target=row.status,  # type: ignore[attr-defined]  # every row with a machine has a status
            by=by,
            reason=reason,
        )


@transaction.atomic
def advance(
    row: models.Model,
    machine: Machine,
    target: str,
    *,
    by: User | None,
    reason: str = "",
    **changes: object,
) -> None:
    """Move `row` to `target`, set `changes` with it, and write the history row; all or nothing.

    A row that keeps a `reason` itself gets the one of its last move, which is empty when there is none.

    The move is one conditional UPDATE, so of two people or workers who move the same row one is refused.

    Raises
    ------
    Refused
        When the table of moves does not allow it.
    StaleState
        When the row is no longer in the status it was read in.
    """
    origin = row.status  # type: ignore[attr-defined]  # every row with a machine has a status
    if not machine.may_move(origin, target):
        raise Refused(
            Reason(
                "move", f"A {machine.name} that is {_words(origin)} cannot become {_words(target)}."
            )
        )
    if any(field.name == "reason" for field in row._meta.fields):
        changes["reason"] = reason
    rows = type(row)._default_manager.filter(pk=row.pk, status=origin)
    with because(reason) if reason.strip() else nullcontext():
        moved = rows.update(status=target, **changes)
    if moved != 1:
        raise StaleState(
            Reason(
                "stale", f"This {machine.name} was changed in the meantime. Reload and look again."
            )
        )
    with _kept_wherever():
        StatusChange.objects.create(
            at=clock.now(),
            machine=machine.name,
            object_id=row.pk,
            origin=origin,
            target=target,
            by=by,
            reason=reason,
        )
    row.status = machine.statuses(target)  # type: ignore[attr-defined]
    for name, value in changes.items():
        setattr(row, name, value)


def take_lease(row: models.Model, *, seconds: float) -> bool:
    """Whether this worker has the row for so long; False when another one has it.

    Messages may be doubled, so heavy work on a row with `lease_until` begins by taking it. A worker that dies
    leaves a lease that runs out.
    """
    moment = clock.now()
    free = models.Q(lease_until=None) | models.Q(lease_until__lt=moment)
    rows = type(row)._default_manager.filter(free, pk=row.pk)
    return rows.update(lease_until=moment + timedelta(seconds=seconds)) == 1


def choose_digest(*, digest: str, by: User) -> None:
    """The person is written to as often as they chose."""
    if digest not in Digest.values:
        raise Refused(Reason("digest", "Choose every morning, on Mondays, or never.", "digest"))
    User.objects.filter(pk=by.pk).update(digest=digest)


def claim_digest(user: User, *, today: date) -> bool:
    """Whether today's e-mail to this person is ours to send; of two workers one gets it."""
    rows = User.objects.filter(pk=user.pk).exclude(digest_sent_on=today)
    return rows.update(digest_sent_on=today) == 1


def return_digest(user: User) -> None:
    """The e-mail could not be sent; the next round tries again."""
    User.objects.filter(pk=user.pk).update(digest_sent_on=user.digest_sent_on)


def record(
    verb: str,
    row: models.Model,
    sentence: str,
    *,
    by: User | None,
    site_code: str = "",
    reason: str = "",
) -> AuditEvent:
    """Keep one act in the audit trail. Call it inside the transaction of the act."""
    with _kept_wherever():
        return AuditEvent.objects.create(
            at=clock.now(),
            by=by,
            verb=verb,
            object_type=row._meta.model_name or "",
            object_id=str(row.pk),
            site_code=site_code,
            sentence=sentence,
            reason=reason,
        )


def _kept_wherever() -> Within:
    """The trail is added to whatever sites its author sees; an act must not fail because it could not be kept."""
    return over_every_site("the trail is written here, and read elsewhere")


def choose_language(*, user: User, language: str) -> None:
    """The person reads pages, messages and e-mails in this language from now on."""
    user.language = language
    user.save(update_fields=["language"])


def _words(status: str) -> str:
    return str(status).replace("_", " ")
