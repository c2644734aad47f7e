"""Reads of the audit trail and of histories."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import QuerySet

from studyportal.core.models import AuditEvent, Digest, StatusChange, User


def history_of(machine_name: str, object_id: UUID) -> QuerySet[StatusChange]:
    """Every move of one row, oldest first."""
    return StatusChange.objects.filter(machine=machine_name, object_id=object_id).select_related(
        "by"
    )


def acts_on(object_type: str, object_id: UUID | str) -> QuerySet[AuditEvent]:
    """Every recorded act on one row, oldest first."""
    return AuditEvent.objects.filter(
        object_type=object_type, object_id=str(object_id)
    ).select_related("by")


def acts_on_any(object_ids: Iterable[UUID]) -> QuerySet[AuditEvent]:
    """Every recorded act on any of these rows, newest first."""
    return (
        AuditEvent.objects.filter(object_id__in=[str(key) for key in object_ids])
        .select_related("by")
        .order_by("-at", "-id")
    )


def user_named(username: str) -> User | None:
    """The active person with this user name."""
    return User.objects.filter(username=username, is_active=True).first()


def people_with_digest() -> QuerySet[User]:
    """Active people with an address who want to be written to about what waits for them."""
    return User.objects.filter(is_active=True).exclude(email="").exclude(digest=Digest.NEVER)
