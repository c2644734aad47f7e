"""Takes a personal detail out of one event of the audit trail, with a record of it that stays.

ICH E6(R3) 4.2.2 lets the trail itself be edited for such a leak and for nothing else. The event keeps its
place; the record holds the digests before and after, so the chain still proves everything around the detail.
"""

from typing import Any

from django.db import connection, models, transaction

from studyportal.core import clock
from studyportal.core.errors import Reason, Refused
from studyportal.core.models import Redaction, User
from studyportal.core.tracking import chained_models

REDACTED = "[redacted]"
_KEPT = ("pgh_id", "pgh_obj", "pgh_label", "pgh_created_at", "pgh_context_id", "id", "at", "by")
_UNTOUCHED = {"redaction", "trailentry"}


@transaction.atomic
def redact(*, source: str, event_id: int, field: str, reason: str, by: User) -> Redaction:
    """One column of one event says “[redacted]”, or nothing where it holds no text; who did it and why is kept.

    Raises
    ------
    Refused
        When there is no such event or column, the column says who, when or what, or no reason is given.
    """
    if not reason.strip():
        raise Refused(Reason("reason_missing", "Say why this is redacted.", "reason"))
    model = _model(source)
    kept = _column(model, field)
    row = model._default_manager.select_for_update().filter(pk=event_id).first()
    if row is None:
        raise Refused(Reason("no_event", f"There is no event {event_id} in {source}."))
    before, after = _digests(model, event_id, kept)
    if before == after:
        raise Refused(Reason("redacted", f"“{field}” of this event holds nothing to redact."))
    redaction = Redaction.objects.create(
        at=clock.now(), by=by, source=source, event_id=event_id, field=field,
        object_id=str(getattr(row, "pgh_obj_id", None) or getattr(row, "object_id", "")),
        reason=reason.strip(), digest_before=before, digest_after=after,
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            f'UPDATE "{source}" AS e SET "{field}" = {_blank(kept)} '  # noqa: S608 our own tables
            f'WHERE "{model._meta.pk.column}" = %s',
            [event_id],
        )
    return redaction


def _model(source: str) -> type[models.Model]:
    model = chained_models().get(source)
    if model is None or model._meta.model_name in _UNTOUCHED:
        raise Refused(Reason("no_source", f"“{source}” is not a table of the audit trail."))
    return model


def _column(model: type[models.Model], name: str) -> Any:
    fields = {field.column: field for field in model._meta.concrete_fields}
    field = fields.get(name)
    if field is None:
        raise Refused(Reason("no_field", f"{model._meta.db_table} has no column “{name}”."))
    relation = field.remote_field is not None
    if relation or field.name in _KEPT or not (_is_text(field) or field.null):
        raise Refused(
            Reason("field_kept", f"“{name}” says who, when or what; it cannot be redacted.")
        )
    return field


def _is_text(field: Any) -> bool:
    return isinstance(field, models.CharField | models.TextField)


def _blank(field: Any) -> str:
    """SQL of what stands in place of the detail. Of a context only the reason goes: it says who acted, too."""
    kind = field.db_type(connection)
    if field.name == "pgh_context":
        return f"jsonb_set(e.pgh_context, '{{reason}}', '\"{REDACTED}\"', false)"
    if not _is_text(field):
        return f"NULL::{kind}"
    return f"'{REDACTED[: field.max_length]}'::{kind}"


def _digests(model: type[models.Model], event_id: int, field: Any) -> tuple[str, str]:
    """Digest of the event as it is, and as it will be."""
    table, key, column = model._meta.db_table, model._meta.pk.column, field.column
    columns = ", ".join(
        f'{_blank(field)} AS "{column}"' if one.column == column else f'e."{one.column}"'
        for one in model._meta.concrete_fields
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT core_digest(e), core_digest(n) FROM "{table}" e, '  # noqa: S608 our own tables
            f'LATERAL (SELECT {columns}) n WHERE e."{key}" = %s',
            [event_id],
        )
        before, after = cursor.fetchone()
    return before, after
