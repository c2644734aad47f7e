"""Records a withdrawal, and has every room obey it until nothing is left to do.

Each room is one step with a transaction of its own: what it did, the files that must go and the number of them are
kept together, so that a worker that is killed loses nothing and counts nothing twice. The files go last, when no room
works with them any more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import transaction

from studyportal.core import clock, spool, storage
from studyportal.core.errors import refuse_if
from studyportal.core.services import advance, begin, record
from studyportal.participants.models import (
    Disposition,
    Participant,
    Withdrawal,
    WithdrawalStep,
)
from studyportal.participants.rules import (
    Obeyed,
    Room,
    Scope,
    Standing,
    Why,
    added,
    highest,
    withdrawal_faults,
)
from studyportal.participants.selectors import consents_of
from studyportal.participants.states import (
    PARTICIPANT,
    WITHDRAWAL,
    ParticipantStatus,
    WithdrawalStatus,
)
from studyportal.queries.services import close_queries_about
from studyportal.sites.rules import Action
from studyportal.sites.services import require_right

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from studyportal.core.models import User

Obey = Callable[..., Obeyed]
InUse = Callable[[frozenset[str]], frozenset[str]]
_log = logging.getLogger(__name__)
_BROKE = "Something broke here. It was logged, and is tried again."
_REASON = "The participant withdrew consent."


@transaction.atomic
def record_withdrawal(
    *,
    participant: Participant,
    scope: Scope,
    withdrawn_on: date,
    why: Why,
    note: str,
    by: User,
) -> Withdrawal:
    """No consent of the participant stands, nothing new is collected, and every room is to obey.

    Raises
    ------
    Refused
        When nothing was consented to, the day cannot be, or this was recorded already.
    """
    # No lock of data stands between a person and their withdrawal.
    require_right(by, Action.SCREEN_PARTICIPANT, site=participant.site)
    locked = Participant.objects.select_for_update(of=("self",)).get(pk=participant.pk)
    refuse_if(
        withdrawal_faults(
            _standing(locked),
            scope=scope,
            withdrawn_on=withdrawn_on,
            reason=note,
            today=clock.today(),
        )
    )
    consents_of(locked).filter(withdrawn_on=None).update(withdrawn_on=withdrawn_on)
    _leave(locked, on=withdrawn_on, by=by)
    row = Withdrawal.objects.create(
        participant=locked,
        scope=scope,
        status=WithdrawalStatus.RECORDED,
        withdrawn_on=withdrawn_on,
        why=why,
        note=note.strip(),
        recorded_at=clock.now(),
        recorded_by=by,
    )
    begin(row, WITHDRAWAL, by=by)
    WithdrawalStep.objects.bulk_create(
        WithdrawalStep(withdrawal=row, room=room, place=place) for place, room in enumerate(Room)
    )
    what = "and has the data removed" if scope == Scope.REMOVE else "from further collection"
    record(
        "record_withdrawal",
        locked,
        f"{locked.code} withdrew consent {what}.",
        by=by,
        site_code=locked.site.code,
        reason=note.strip(),
    )
    participant.refresh_from_db()
    return row


def carry_out(
    *, withdrawal: Withdrawal, rooms: Mapping[Room, Obey], in_use: InUse, again: bool = False
) -> Withdrawal:
    """Every room obeyed as far as it can now; when all have, the withdrawal is carried out.

    Safe to run at any time, by several workers, and after a kill. `again` looks at every room once more, also at
    those that were done, which is how a withdrawal is confirmed.
    """
    own: Mapping[Room, Obey] = {**rooms, Room.QUERIES: _close_queries}
    for room in Room:
        if room != Room.ARCHIVE:
            _step(withdrawal, room, own[room], again=again)
    if not _waiting(withdrawal).exclude(room=Room.ARCHIVE).exists():
        _step(withdrawal, Room.ARCHIVE, partial(_empty_archive, in_use=in_use), again=again)
    _conclude(withdrawal, again=again)
    withdrawal.refresh_from_db()
    return withdrawal


def _standing(participant: Participant) -> Standing:
    signed = consents_of(participant).order_by("-signed_on").values_list("signed_on", flat=True)
    recorded = frozenset(
        Scope(scope) for scope in participant.withdrawals.values_list("scope", flat=True)
    )
    return Standing(participant.code, signed.first(), recorded)


def _leave(participant: Participant, *, on: date, by: User) -> None:
    if participant.status in (ParticipantStatus.SCREENED, ParticipantStatus.ELIGIBLE):
        advance(participant, PARTICIPANT, ParticipantStatus.SCREEN_FAILED, by=by, reason=_REASON)
    elif participant.status == ParticipantStatus.ENROLLED:
        advance(participant, PARTICIPANT, ParticipantStatus.DISCONTINUED, by=by, reason=_REASON)
        Disposition.objects.create(
            participant=participant, kind="discontinued", on=on, reason=_REASON
        )


def _step(withdrawal: Withdrawal, room: Room, obey: Obey, *, again: bool) -> None:
    """One room, in one transaction; a step that another worker has in hand is left to it."""
    try:
        with transaction.atomic():
            step = (
                WithdrawalStep.objects.select_for_update(skip_locked=True)
                .filter(withdrawal=withdrawal, room=room)
                .first()
            )
            if step is not None and (again or step.done_at is None):
                _keep(step, obey(withdrawal=withdrawal), total=room == Room.ARCHIVE)
    except Exception:  # noqa: BLE001 the shell: a room that breaks holds up no other
        _log.exception("withdrawal %s broke in %s", withdrawal.pk, room)
        WithdrawalStep.objects.filter(withdrawal=withdrawal, room=room).update(waits_for=_BROKE)


def _keep(step: WithdrawalStep, obeyed: Obeyed, *, total: bool) -> None:
    counts = dict(obeyed.counts)
    # The archive counts what it was to delete, not what this run found still there.
    step.counts = highest(step.counts, counts) if total else added(step.counts, counts)
    step.stays = list(obeyed.stays)
    step.waits_for = obeyed.waits_for
    found = {"files": obeyed.files, "folders": obeyed.folders, "ledger": obeyed.ledger}
    step.doomed = {
        kind: sorted({*step.doomed.get(kind, ()), *names}) for kind, names in found.items()
    }
    if not obeyed.waits_for:
        step.done_at = step.done_at or clock.now()
    step.save(update_fields=["counts", "stays", "waits_for", "doomed", "done_at"])


def _close_queries(*, withdrawal: Withdrawal) -> Obeyed:
    closed = close_queries_about(participant_code=withdrawal.participant.code, reason=_REASON)
    return Obeyed({"queries_closed": closed})


def _empty_archive(*, withdrawal: Withdrawal, in_use: InUse) -> Obeyed:
    """Everything that the rooms gave up is off the disk, save what somebody else's rows rest on too."""
    site = withdrawal.participant.site.code
    files, folders, ledger = (_doomed(withdrawal, kind) for kind in ("files", "folders", "ledger"))
    shared = in_use(files)
    for sha256 in files - shared:
        storage.discard(sha256)
    for name in folders:
        storage.remove_folder(name)
    spool.forget_series(site, ledger)
    left = [sha256 for sha256 in files - shared if storage.path_of(sha256).exists()]
    counts = {"files_deleted": len(files - shared) - len(left), "folders_emptied": len(folders)}
    if shared:
        counts["files_of_others_kept"] = len(shared)
    return Obeyed(counts, waits_for=f"{len(left)} files cannot be deleted." if left else "")


def _doomed(withdrawal: Withdrawal, kind: str) -> frozenset[str]:
    every = WithdrawalStep.objects.filter(withdrawal=withdrawal).values_list("doomed", flat=True)
    return frozenset(name for doomed in every for name in doomed.get(kind, ()))


def _waiting(withdrawal: Withdrawal) -> QuerySet[WithdrawalStep]:
    return WithdrawalStep.objects.filter(withdrawal=withdrawal, done_at=None)


@transaction.atomic
def _conclude(withdrawal: Withdrawal, *, again: bool) -> None:
    withdrawal = Withdrawal.objects.select_for_update(of=("self",)).get(pk=withdrawal.pk)
    if _waiting(withdrawal).exists():
        return
    steps = WithdrawalStep.objects.filter(withdrawal=withdrawal)
    for step in steps:  # what served to tell a patient again is kept no longer than it is needed
        step.doomed = {"files": step.doomed.get("files", [])}
        step.save(update_fields=["doomed"])
    if withdrawal.status == WithdrawalStatus.RECORDED:
        moved, field = WithdrawalStatus.CARRIED_OUT, "carried_out_at"
        said = "was carried out in every room"
    elif again and not steps.exclude(waits_for="").exists():
        moved, field = WithdrawalStatus.CONFIRMED, "confirmed_at"
        said = "was looked at again and holds"
    else:
        return
    changes: dict[str, Any] = {field: clock.now()}
    advance(withdrawal, WITHDRAWAL, moved, by=None, **changes)
    participant = withdrawal.participant
    record(
        "carry_out_withdrawal",
        participant,
        f"The withdrawal of {participant.code} {said}.",
        by=None,
        site_code=participant.site.code,
    )
