"""Reads of withdrawals: whose data are gone, what is still to be carried out, and what each room did."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from studyportal.participants.models import Participant, Withdrawal, WithdrawalStep
from studyportal.participants.rules import Scope
from studyportal.participants.states import WithdrawalStatus
from studyportal.sites.rules import Action
from studyportal.sites.selectors import Person, site_ids


def withdrawals_of(participant: Participant) -> QuerySet[Withdrawal]:
    """Withdrawals of one participant, oldest first."""
    return Withdrawal.objects.filter(participant=participant).select_related("recorded_by")


def withdrawal_for(user: Person, withdrawal_id: UUID) -> Withdrawal | None:
    """The withdrawal with its steps, or None when it does not exist or the person may not see it."""
    return withdrawals_visible_to(user).filter(pk=withdrawal_id).first()


def withdrawals_visible_to(user: Person) -> QuerySet[Withdrawal]:
    """Withdrawals, with their steps, at the sites at which the person may see participants."""
    steps = Prefetch("steps", WithdrawalStep.objects.order_by("place"))
    rows = Withdrawal.objects.filter(
        participant__site__in=site_ids(user, Action.SEE_PARTICIPANTS)
    ).select_related("participant", "participant__site", "recorded_by")
    return rows.prefetch_related(steps)


def every_withdrawal() -> QuerySet[Withdrawal]:
    """All withdrawals, for the portal's own work."""
    return Withdrawal.objects.select_related("participant", "participant__site")


def unfinished_withdrawals() -> QuerySet[Withdrawal]:
    """Withdrawals that some room has still to obey, oldest first."""
    return every_withdrawal().filter(status=WithdrawalStatus.RECORDED)


def unconfirmed_withdrawals(*, before: datetime) -> QuerySet[Withdrawal]:
    """Withdrawals that were carried out before this moment and not looked at again since."""
    return every_withdrawal().filter(status=WithdrawalStatus.CARRIED_OUT, carried_out_at__lt=before)


def has_withdrawn(participant: Participant) -> bool:
    """Whether the participant withdrew, however far."""
    return Withdrawal.objects.filter(participant=participant).exists()


def is_removed(participant: Participant) -> bool:
    """Whether the participant had the data removed."""
    return removals().filter(participant=participant).exists()


def removals() -> QuerySet[Withdrawal]:
    """Withdrawals by which data are removed."""
    return Withdrawal.objects.filter(scope=Scope.REMOVE)


def removed_ids() -> QuerySet[Withdrawal, Any]:
    """Participants who had their data removed, as a subquery for other rooms' reads."""
    return removals().values("participant")


def removed_codes(*, before: datetime | None = None) -> frozenset[str]:
    """Codes of participants who had their data removed, up to this moment where one is given."""
    rows = removals()
    if before is not None:
        rows = rows.filter(recorded_at__lt=before)
    return frozenset(rows.values_list("participant__code", flat=True))
