"""Every signature compared with its record, and with the event that the database kept when it was made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from studyportal.clinical.models import Signature
from studyportal.clinical.rules import FORMS
from studyportal.clinical.selectors.signatures import (
    CheckedSignature,
    checked,
    every_signature,
    signed_without_signature,
)
from studyportal.core.tracking import event_model_of

_AT_ONCE = 500
# What voiding writes; everything else stands as it was inserted.
_VOIDING = frozenset({"voided_at", "voided_by_id", "void_reason"})


@dataclass(frozen=True)
class SignatureFault:
    """One signature that does not agree, or one form that says it is signed and is not."""

    participant: str
    object_id: UUID
    sentence: str


@dataclass(frozen=True)
class SignatureReport:
    """What the verification of every signature found."""

    signatures: int
    standing: int
    voided: int
    faults: tuple[SignatureFault, ...]

    @property
    def sound(self) -> bool:
        """Whether everything agrees."""
        return not self.faults


def verify_signatures() -> SignatureReport:
    """Every signature was read, its record's digest computed anew, and its row compared with its own event.

    Sealed records of participants who had their data removed are verified too. Source: 21 CFR 11.10(a), 11.70.
    """
    total = standing = voided = 0
    faults: list[SignatureFault] = []
    for batch in _batches():
        events = _made([one.signature.pk for one in batch])
        for one in batch:
            total += 1
            standing += one.counts
            voided += one.voided
            faults += _faults(one, events.get(one.signature.pk))
    faults += [
        SignatureFault(
            form.participant.code,
            form.pk,
            f"{form.participant.code}: {form} is {form.status}, and no signature on it stands.",
        )
        for form in signed_without_signature()
    ]
    return SignatureReport(total, standing, voided, tuple(faults))


def _batches() -> Iterator[Sequence[CheckedSignature]]:
    """Signatures by participant, so that each casebook is read once or twice and memory stays small."""
    rows = every_signature().order_by("participant_id", "signed_at", "id")
    batch: list[Signature] = []
    for row in rows.iterator(chunk_size=_AT_ONCE):
        if len(batch) >= _AT_ONCE and row.participant_id != batch[-1].participant_id:
            yield checked(batch)
            batch = []
        batch.append(row)
    yield checked(batch)


def _made(keys: Sequence[UUID]) -> dict[UUID, Any]:
    """The event of the making of each signature."""
    events: Any = event_model_of(Signature)
    rows = events.objects.filter(pgh_obj_id__in=keys, pgh_label="insert")
    return {row.pgh_obj_id: row for row in rows}


def _faults(one: CheckedSignature, event: Any) -> list[SignatureFault]:
    row, code = one.signature, one.signature.participant.code
    what = f"{code}: the signature on {_what(row)} of {row.signed_at:%Y-%m-%d %H:%M} UTC"
    said = []
    if event is None:
        said.append(f"{what} has no event in the audit trail.")
    elif different := _different(row, event):
        said.append(f"{what} is not what was kept when it was made: {', '.join(different)}.")
    if one.broken:
        named = ", ".join(str(form) for form in one.changed) or "the participant"
        said.append(f"{what} does not agree with its record, which was changed: {named}.")
    return [SignatureFault(code, row.pk, sentence) for sentence in said]


def _what(row: Signature) -> str:
    return FORMS[row.form.kind].title.en if row.form else "the casebook"


def _different(row: Signature, event: Any) -> list[str]:
    names = [field.attname for field in Signature._meta.concrete_fields]
    return [
        name
        for name in names
        if name not in _VOIDING and getattr(row, name) != getattr(event, name)
    ]
