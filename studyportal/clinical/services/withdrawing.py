"""What the clinical room does when a participant withdraws."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studyportal.clinical.models import Form, Lesion, ReferenceStandard
from studyportal.participants.rules import Obeyed, Scope

if TYPE_CHECKING:
    from studyportal.participants.models import Withdrawal


def obey_withdrawal(*, withdrawal: Withdrawal) -> Obeyed:
    """No later data cut or export has clinical records of a participant whose data are removed, and no page shows them.

    The records themselves stay sealed, as good clinical practice asks (ICH E6(R3) 4.2): every read of this room leaves
    them out by itself, so that nothing has to be changed here and nothing can come back.
    """
    participant = withdrawal.participant
    kinds = {
        "case report forms": Form.objects.filter(participant=participant).count(),
        "reference standards": ReferenceStandard.objects.filter(participant=participant).count(),
        "lesions": Lesion.objects.filter(participant=participant).count(),
    }
    told = ", ".join(f"{kind} {count}" for kind, count in kinds.items() if count)
    if not told:
        return Obeyed()
    if withdrawal.scope != Scope.REMOVE:
        return Obeyed(stays=(f"What was entered before stays: {told}.",))
    return Obeyed(stays=(f"Sealed and left out of every later data cut, export and page: {told}.",))
