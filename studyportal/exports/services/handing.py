"""Hands out exports, and ends those that may no longer be handed out."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import transaction

from studyportal.core import clock
from studyportal.core.errors import Reason, Refused
from studyportal.core.services import advance, record
from studyportal.core.storage import discard, verified_path
from studyportal.exports.models import Export, ExportDownload
from studyportal.exports.services.clinical import removed_since
from studyportal.exports.services.pairs import may_no_longer_leave
from studyportal.exports.states import EXPORT, ExportKind, ExportStatus
from studyportal.sites.rules import Action
from studyportal.sites.services import require

if TYPE_CHECKING:
    from studyportal.core.models import User


_ENDED = {
    ExportKind.PAIRS: "Archives of images are kept for a while only. Ask for a new one.",
    ExportKind.CLINICAL: "Archives of clinical data are kept for a while only. Ask for a new one.",
}


def download_export(*, export: Export, by: User) -> Path:
    """The verified zip of a ready export; who took it is kept.

    Raises
    ------
    Refused
        When the export is not ready, or holds data of somebody who withdrew or was excluded since: it then ends.
    DamagedFile
        When the zip is missing or was changed.
    """
    require(by, Action.EXPORT, site=export.site)
    if export.status != ExportStatus.READY:
        raise Refused(Reason("export_not_ready", "This export is not ready."))
    if _outdated(export):
        sentence = "Somebody in this export withdrew or was excluded since. Ask for a new one."
        expire(export, sentence)
        raise Refused(Reason("export_outdated", sentence))
    return _handed(export, by)


def _outdated(export: Export) -> bool:
    if export.kind == ExportKind.PAIRS:
        return may_no_longer_leave(export)
    return export.kind == ExportKind.CLINICAL and removed_since(export)


@transaction.atomic
def _handed(export: Export, by: User) -> Path:
    ExportDownload.objects.create(export=export, by=by, at=clock.now())
    record(
        "download_export",
        export,
        f"The export {export.archive_sha256[:12]}… was downloaded.",
        by=by,
        site_code=export.site.code if export.site else "",
    )
    return verified_path(export.archive_sha256)


def expire_old(*, before: datetime) -> None:
    """Images and clinical data that were built before this moment are no longer kept as an archive."""
    kinds = (ExportKind.PAIRS, ExportKind.CLINICAL)
    ready = Export.objects.filter(kind__in=kinds, status=ExportStatus.READY)
    for export in ready.filter(built_at__lt=before):
        expire(export, _ENDED[ExportKind(export.kind)])


@transaction.atomic
def expire(export: Export, reason: str) -> None:
    """The export can no longer be had, for this reason, and its archive is deleted."""
    advance(export, EXPORT, ExportStatus.EXPIRED, by=None, reason=reason)
    record("expire_export", export, "The export has ended and its archive is gone.", by=None)
    others = Export.objects.filter(
        status=ExportStatus.READY, archive_sha256=export.archive_sha256
    ).exclude(pk=export.pk)
    if not others.exists():
        transaction.on_commit(lambda: discard(export.archive_sha256))
