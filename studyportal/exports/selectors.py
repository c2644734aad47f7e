"""Reads of exports, for those who may export."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import QuerySet

from studyportal.exports.models import Export, ExportDownload
from studyportal.exports.states import ExportStatus
from studyportal.sites.rules import Action
from studyportal.sites.selectors import Person, may

if TYPE_CHECKING:
    from studyportal.outcomes.models import EvaluationRun


def exports_visible_to(user: Person) -> QuerySet[Export]:
    """Every export, for those who may export."""
    rows = Export.objects.select_related("run", "run__cut", "site", "requested_by")
    return rows if may(user, Action.EXPORT) else rows.none()


def export_for(user: Person, export_id: UUID) -> Export | None:
    """The export, or None when it does not exist or the person may not see it."""
    return exports_visible_to(user).filter(pk=export_id).first()


def downloads_of(export: Export) -> QuerySet[ExportDownload]:
    """Who downloaded an export."""
    return ExportDownload.objects.filter(export=export).select_related("by")


def requested_exports() -> QuerySet[Export]:
    """Exports that wait to be built."""
    return Export.objects.filter(status=ExportStatus.REQUESTED)


def every_export() -> QuerySet[Export]:
    """All exports, for the portal's own work."""
    return Export.objects.select_related("run", "run__cut", "site", "requested_by")


def any_export_of(run: EvaluationRun) -> bool:
    """Whether an export of this run was requested already."""
    return Export.objects.filter(run=run).exists()
