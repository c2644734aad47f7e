"""The shell of building: an export never stays *building*."""

from __future__ import annotations

import logging
from datetime import datetime

from studyportal.core import clock
from studyportal.core.errors import Refused, StaleState
from studyportal.core.services import advance
from studyportal.core.storage import DamagedFile, drop_partial
from studyportal.exports.models import Export
from studyportal.exports.services.clinical import archive_clinical
from studyportal.exports.services.evaluation import archive_run
from studyportal.exports.services.pairs import archive_pairs
from studyportal.exports.states import EXPORT, ExportKind, ExportStatus

_log = logging.getLogger(__name__)
_ARCHIVERS = {
    ExportKind.EVALUATION: archive_run,
    ExportKind.PAIRS: archive_pairs,
    ExportKind.CLINICAL: archive_clinical,
}


def build_export(*, export: Export) -> Export:
    """The export is ready, or errored with a reason; building it twice is harmless."""
    if export.status != ExportStatus.REQUESTED:
        return export
    try:
        advance(export, EXPORT, ExportStatus.BUILDING, by=None, started_at=clock.now())
    except StaleState:  # another worker took it
        return export
    try:
        facts = _ARCHIVERS[ExportKind(export.kind)](export)
    except Exception as error:  # noqa: BLE001 the shell, see above
        advance(export, EXPORT, ExportStatus.ERRORED, by=None, reason=_said(export, error))
        return export
    advance(export, EXPORT, ExportStatus.READY, by=None, built_at=clock.now(), **facts)
    return export


def _said(export: Export, error: Exception) -> str:
    """A refusal in its own words; what broke is logged with its traceback."""
    if isinstance(error, Refused) and not isinstance(error, DamagedFile):
        return str(error)
    _log.error("export %s broke", export.pk, exc_info=error)
    return f"The export broke ({type(error).__name__}). It was logged."


def give_up_lost(*, before: datetime) -> None:
    """Exports whose worker stopped while building are errored, and what it half wrote is gone."""
    for export in Export.objects.filter(status=ExportStatus.BUILDING, started_at__lt=before):
        reason = "The worker stopped while it built this export. Ask for it again."
        advance(export, EXPORT, ExportStatus.ERRORED, by=None, reason=reason)
        drop_partial(str(export.pk))
