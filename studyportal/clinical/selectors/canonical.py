"""Records as signatures bind them: what stands in the database now, written in the one canonical way."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from studyportal.clinical.models import Form, Reconciliation, SecondEntry
from studyportal.clinical.rules import CANONICAL_FORMAT, canonical_status, digest_of
from studyportal.clinical.selectors.rows import records_of_forms

if TYPE_CHECKING:
    from studyportal.participants.models import Participant

_NOT_OF_THE_ROW = frozenset({"id", "form"})


def form_records(forms: Collection[Form]) -> dict[UUID, dict[str, Any]]:
    """Each form with its rows, entries and reconciliations, as a signature binds it.

    Read anew from the database; of many forms with as many reads as of one. Columns without an answer are left out, so
    that a later version of a form with more questions leaves former signatures as they are.
    """
    keys = [form.pk for form in forms]
    rows = records_of_forms(forms)
    seconds = {one.form_id: one for one in SecondEntry.objects.filter(form__in=keys)}
    settled: dict[UUID, list[Reconciliation]] = {}
    for one in Reconciliation.objects.filter(form__in=keys).order_by("settled_at", "id"):
        settled.setdefault(one.form_id, []).append(one)
    return {
        form.pk: {
            **_heading(form),
            "rows": [_columns(row) for row in rows[form.pk]],
            "second_entry": _columns(seconds[form.pk]) if form.pk in seconds else None,
            "reconciliations": [_columns(one) for one in settled.get(form.pk, [])],
        }
        for form in forms
    }


def form_digests(forms: Collection[Form]) -> dict[UUID, str]:
    """SHA-256 of each form as it stands now."""
    return {key: digest_of(record) for key, record in form_records(forms).items()}


def casebook_digest(
    participant: Participant, forms: Sequence[Form], digests: Mapping[UUID, str]
) -> str:
    """SHA-256 of the whole casebook: who it is about, and the digest of every form that was opened."""
    return digest_of(
        {
            "format": CANONICAL_FORMAT,
            "participant": participant.code,
            "id": str(participant.pk),
            "site": participant.site.code,
            "sex": participant.sex,
            "age_years": participant.age_years,
            "screening_date": participant.screening_date.isoformat(),
            "forms": sorted([form.kind, form.occurrence, digests[form.pk]] for form in forms),
        }
    )


def _heading(form: Form) -> dict[str, Any]:
    return {
        "format": CANONICAL_FORMAT,
        "id": str(form.pk),
        "participant": form.participant.code,
        "site": form.participant.site.code,
        "form": form.kind,
        "occurrence": form.occurrence,
        "definition": form.definition,
        "status": canonical_status(form.status),
        "revision": form.revision,
        "source": form.source,
        "unreadable": form.unreadable,
        "opened": _act(form.opened_at, form.opened_by_id),
        "changed": _act(form.changed_at, form.changed_by_id),
        "completed": _act(form.completed_at, form.completed_by_id),
        "verified": [*_act(form.verified_at, form.verified_by_id), form.verified_scope],
    }


def _act(at: datetime | None, by: int | None) -> list[Any]:
    return [_plain(at), by]


def _columns(row: Any) -> dict[str, Any]:
    """Columns that hold something."""
    values = {
        field.attname: _plain(getattr(row, field.attname))
        for field in row._meta.concrete_fields
        if field.name not in _NOT_OF_THE_ROW
    }
    return {name: value for name, value in values.items() if value not in (None, "")}


def _plain(value: Any) -> Any:
    """Moments in UTC, days and decimals as text; the rest is plain already."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal | UUID) else value
