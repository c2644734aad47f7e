"""Reads of clinical facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet

from studyportal.clinical.models import (
    Baseline,
    Form,
    Lesion,
    Reconciliation,
    ReferenceStandard,
    SecondEntry,
)
from studyportal.clinical.rules import FORMS, Absent, Discrepancy, discrepancies
from studyportal.clinical.selectors.canonical import form_digests
from studyportal.clinical.selectors.rows import (
    ParticipantRows,
    answer_of,
    context_of,
    records_of,
    row_of,
    rows_of,
    rows_of_participant,
)
from studyportal.clinical.selectors.sampling import (
    Share,
    SiteProgress,
    ToVerify,
    as_tasks,
    critical_fields,
    draw_is_the_same,
    drawn_of,
    forms_to_verify,
    plan_in_force,
    plans_visible_to,
    scope_for,
    verification_progress,
)
from studyportal.clinical.selectors.signatures import (
    Casebook,
    CheckedSignature,
    casebook_of,
    casebooks,
    checked,
    every_signature,
    form_statuses,
    open_unlock_of,
    signatures_at,
    signatures_of,
    signatures_on,
    signatures_visible_to,
    signed_without_signature,
    standing_on,
    unchecked_at,
    unlock_for,
    unlocks_waiting,
)
from studyportal.clinical.selectors.tables import (
    Cell,
    FormHead,
    TableLine,
    form_heads,
    people_of,
    reference_lines,
    signatures_that_count,
    table_lines,
)
from studyportal.clinical.selectors.verifying import (
    SignatureFault,
    SignatureReport,
    verify_signatures,
)
from studyportal.participants.selectors import removed_ids
from studyportal.sites.rules import Action
from studyportal.sites.selectors import Person, may, site_ids

if TYPE_CHECKING:
    from studyportal.participants.models import Participant

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class BodyMeasurements:
    """Height and weight at baseline, as far as they are known."""

    height_cm: float | None
    weight_kg: float | None


def forms_visible_to(user: Person) -> QuerySet[Form]:
    """Forms of the participants whom the person may see."""
    rows = kept(Form).filter(participant__site__in=site_ids(user, Action.SEE_PARTICIPANTS))
    return rows.select_related("participant", "participant__site", "changed_by")


def form_for(user: Person, participant_id: UUID, kind: str, occurrence: int) -> Form | None:
    """The form, or None when it was not opened yet or the person may not see it."""
    return (
        forms_visible_to(user)
        .filter(participant_id=participant_id, kind=kind, occurrence=occurrence)
        .first()
    )


def forms_of(participant: Participant) -> QuerySet[Form]:
    """Forms of one participant that were opened."""
    return (
        kept(Form)
        .filter(participant=participant)
        .select_related("changed_by", "completed_by", "verified_by")
    )


def second_entry_of(form: Form) -> SecondEntry | None:
    """What the second person entered, once they did."""
    return SecondEntry.objects.filter(form=form).select_related("entered_by").first()


def open_discrepancies(form: Form) -> list[Discrepancy]:
    """Differences between the two entries that nobody settled yet."""
    second = second_entry_of(form)
    if second is None:
        return []
    settled = {
        (row.unit, row.field, row.chosen, row.second)
        for row in Reconciliation.objects.filter(form=form)
    }
    found = discrepancies(FORMS[form.kind], rows_of(form), second.answers)
    return [d for d in found if (d.unit, d.field.name, d.first, d.second) not in settled]


def reconciliations_of(form: Form) -> QuerySet[Reconciliation]:
    """Differences that were settled, oldest first."""
    return Reconciliation.objects.filter(form=form).select_related("settled_by")


def reference_of(participant: Participant) -> QuerySet[ReferenceStandard]:
    """Reference standards of one participant that stand."""
    return kept(ReferenceStandard).filter(participant=participant, superseded_at=None)


def reference_for(user: Person, participant: Participant) -> QuerySet[ReferenceStandard]:
    """The same for a person; none when they are blinded to it or may not see it there."""
    if not may(user, Action.SEE_REFERENCE, site=participant.site):
        return ReferenceStandard.objects.none()
    return reference_of(participant)


def lesions_of(participant: Participant) -> QuerySet[Lesion]:
    """Lesions of one participant."""
    return kept(Lesion).filter(participant=participant)


def baseline_of(participant: Participant) -> BodyMeasurements | None:
    """Body measurements of one participant, once they were entered."""
    return body_measurements([participant.pk]).get(participant.pk)


def body_measurements(
    participant_ids: list[UUID] | None = None,
) -> dict[UUID, BodyMeasurements]:
    """Body measurements by participant; of everybody, for data cuts, where no ids are given."""
    rows: QuerySet[Any] = Baseline.objects.filter(void_reason="").exclude(
        form__participant__in=removed_ids()
    )
    if participant_ids is not None:
        rows = rows.filter(form__participant__in=participant_ids)
    return {
        key: BodyMeasurements(_number(height), _number(weight))
        for key, height, weight in rows.values_list(
            "form__participant_id", "height_cm", "weight_kg"
        )
    }


def _number(value: Any) -> float | None:
    return None if value is None or isinstance(value, Absent) else float(value)


def every_reference() -> QuerySet[ReferenceStandard]:
    """All reference standards that stand, for data cuts."""
    rows = kept(ReferenceStandard).filter(superseded_at=None)
    return rows.select_related("participant", "participant__site")


def kept(model: type[Row]) -> QuerySet[Row]:
    """The records of everybody who did not have the data removed; the others' are sealed."""
    return model._default_manager.exclude(participant__in=removed_ids())


__all__ = [
    "BodyMeasurements",
    "Casebook",
    "Cell",
    "CheckedSignature",
    "FormHead",
    "ParticipantRows",
    "Share",
    "SignatureFault",
    "SignatureReport",
    "SiteProgress",
    "TableLine",
    "ToVerify",
    "answer_of",
    "as_tasks",
    "baseline_of",
    "body_measurements",
    "casebook_of",
    "casebooks",
    "checked",
    "context_of",
    "critical_fields",
    "draw_is_the_same",
    "drawn_of",
    "every_reference",
    "every_signature",
    "form_digests",
    "form_for",
    "form_heads",
    "form_statuses",
    "forms_of",
    "forms_to_verify",
    "forms_visible_to",
    "lesions_of",
    "open_discrepancies",
    "open_unlock_of",
    "people_of",
    "plan_in_force",
    "plans_visible_to",
    "reconciliations_of",
    "records_of",
    "reference_for",
    "reference_lines",
    "reference_of",
    "row_of",
    "rows_of",
    "rows_of_participant",
    "scope_for",
    "second_entry_of",
    "signatures_at",
    "signatures_of",
    "signatures_on",
    "signatures_that_count",
    "signatures_visible_to",
    "signed_without_signature",
    "standing_on",
    "table_lines",
    "unchecked_at",
    "unlock_for",
    "unlocks_waiting",
    "verification_progress",
    "verify_signatures",
]
