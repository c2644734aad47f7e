"""Keeps lesions and reference standards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import transaction

from studyportal.clinical.models import Baseline, Lesion, ReferenceStandard
from studyportal.clinical.rules import ReferenceEntry, Unit, baseline_faults, unit_fault
from studyportal.core import clock
from studyportal.core.errors import Reason, Refused, refuse_if
from studyportal.core.models import User
from studyportal.core.services import record
from studyportal.participants.rules import Answer, Obeyed, Scope
from studyportal.participants.services import require_consent, settle_fact
from studyportal.sites.rules import Action
from studyportal.sites.services import require

if TYPE_CHECKING:
    from studyportal.participants.models import Participant, Withdrawal


@transaction.atomic
def enter_baseline(
    *, participant: Participant, height_cm: float | None, weight_kg: float | None, by: User
) -> Baseline:
    """Body measurements at baseline are kept once; a correction needs a reason and is not an import."""
    require(by, Action.ENTER_CLINICAL, site=participant.site)
    require_consent(participant)
    refuse_if(baseline_faults(height_cm, weight_kg))
    if Baseline.objects.filter(participant=participant).exists():
        raise Refused(
            Reason("baseline_exists", f"The baseline of {participant.code} is kept already.")
        )
    row = Baseline.objects.create(
        participant=participant,
        height_cm=height_cm,
        weight_kg=weight_kg,
        entered_at=clock.now(),
        entered_by=by,
    )
    record(
        "enter_baseline",
        participant,
        f"{participant.code}: the baseline was entered.",
        by=by,
        site_code=participant.site.code,
    )
    return row


@transaction.atomic
def enter_reference(
    *, participant: Participant, entries: Sequence[ReferenceEntry], source: str, by: User
) -> list[ReferenceStandard]:
    """The reference standard of these units is kept, and with it that there is a pathological diagnosis."""
    require(by, Action.ENTER_CLINICAL, site=participant.site)
    require_consent(participant)
    for entry in entries:
        if fault := unit_fault(entry.condition, entry.unit, entry.unit_id):
            raise Refused(Reason("reference_unit", fault))
    rows = [_keep(participant, entry, source=source, by=by) for entry in entries]
    if rows:
        settle_fact(
            participant=participant,
            fact="pathology",
            answer=Answer.NOT_MET,
            source="pathology",
            by=by,
        )
        record(
            "enter_reference",
            participant,
            f"{participant.code}: the reference standard of {len(rows)} unit(s) was entered.",
            by=by,
            site_code=participant.site.code,
        )
    return rows


def obey_withdrawal(*, withdrawal: Withdrawal) -> Obeyed:
    """No later data cut or export has clinical records of a participant whose data are removed, and no page shows them.

    The records themselves stay sealed, as good clinical practice asks (ICH E6(R3) 4.2): every read of this room leaves
    them out by itself, so that nothing has to be changed here and nothing can come back.
    """
    participant = withdrawal.participant
    kinds = {
        "reference standards": ReferenceStandard.objects.filter(participant=participant).count(),
        "lesions": Lesion.objects.filter(participant=participant).count(),
        "baseline records": Baseline.objects.filter(participant=participant).count(),
    }
    told = ", ".join(f"{kind} {count}" for kind, count in kinds.items() if count)
    if not told:
        return Obeyed()
    if withdrawal.scope != Scope.REMOVE:
        return Obeyed(stays=(f"What was entered before stays: {told}.",))
    return Obeyed(stays=(f"Sealed and left out of every later data cut, export and page: {told}.",))


def _keep(
    participant: Participant, entry: ReferenceEntry, *, source: str, by: User
) -> ReferenceStandard:
    lesion = None
    if entry.unit == Unit.LESION:
        lesion, _ = Lesion.objects.get_or_create(participant=participant, number=int(entry.unit_id))
    existing = ReferenceStandard.objects.filter(
        participant=participant, condition=entry.condition, unit=entry.unit, unit_id=entry.unit_id
    ).first()
    if existing is not None and existing.status != entry.status:
        raise Refused(
            Reason(
                "reference_differs",
                f"{existing} is kept already; a correction needs a reason and is not an import.",
            )
        )
    return existing or ReferenceStandard.objects.create(
        participant=participant,
        condition=entry.condition,
        unit=entry.unit,
        unit_id=entry.unit_id,
        lesion=lesion,
        status=entry.status,
        source=source,
        entered_at=clock.now(),
        entered_by=by,
    )
