"""Asks for exports; the command line and the web call the same service and get the same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from studyportal.core import clock
from studyportal.core.errors import Reason, Refused
from studyportal.core.services import begin, record
from studyportal.exports.models import Export
from studyportal.exports.states import EXPORT, DataFormat, ExportKind, ExportStatus
from studyportal.outcomes.services import refuse_sealed
from studyportal.outcomes.states import RunStatus
from studyportal.sites.rules import Action
from studyportal.sites.services import require

if TYPE_CHECKING:
    from studyportal.core.models import User
    from studyportal.outcomes.models import EvaluationRun
    from studyportal.sites.models import Site

LONGEST_PURPOSE = 500


@transaction.atomic
def request_export(*, run: EvaluationRun, by: User) -> Export:
    """An export of this completed run waits to be built."""
    require(by, Action.EXPORT)
    if run.status not in (RunStatus.COMPLETED, RunStatus.SUPERSEDED):
        raise Refused(Reason("run_not_completed", "Only a completed evaluation can be exported."))
    refuse_sealed(run.cut)
    export = Export.objects.create(
        run=run, status=ExportStatus.REQUESTED, requested_at=clock.now(), requested_by=by
    )
    begin(export, EXPORT, by=by)
    record("request_export", export, f"An export of “{run.cut.name}” was requested.", by=by)
    return export


@transaction.atomic
def request_pairs_export(*, site: Site | None, reason: str, by: User) -> Export:
    """An export of the ready pairs of a site, or of all sites, waits to be built.

    Raises
    ------
    Refused
        When the person may not export there, may not see images there, or gives no reason.
    """
    require(by, Action.EXPORT, site=site)
    require(by, Action.SEE_IMAGES, site=site)
    purpose = " ".join(reason.split())
    if not 0 < len(purpose) <= LONGEST_PURPOSE:
        sentence = f"Say in at most {LONGEST_PURPOSE} letters what the images are wanted for."
        raise Refused(Reason("export_reason", sentence, "reason"))
    export = Export.objects.create(
        kind=ExportKind.PAIRS,
        site=site,
        purpose=purpose,
        status=ExportStatus.REQUESTED,
        requested_at=clock.now(),
        requested_by=by,
    )
    begin(export, EXPORT, by=by, reason=purpose)
    where = f"of {site.code}" if site else "of all sites"
    record(
        "request_pairs_export",
        export,
        f"An export of the ready image pairs {where} was requested.",
        by=by,
        site_code=site.code if site else "",
        reason=purpose,
    )
    return export


@transaction.atomic
def request_clinical_export(
    *, file_format: DataFormat, site: Site | None, language: str, with_drafts: bool, by: User
) -> Export:
    """An export of the clinical data of a site, or of all sites, waits to be built.

    Raises
    ------
    Refused
        When the person may not export there, or there are no labels in this language.
    """
    require(by, Action.EXPORT, site=site)
    require(by, Action.SEE_PARTICIPANTS, site=site)
    if language not in ("en", "zh"):
        raise Refused(
            Reason("export_language", "There are labels in English and Chinese.", "language")
        )
    export = Export.objects.create(
        kind=ExportKind.CLINICAL,
        format=file_format,
        language=language,
        with_drafts=with_drafts,
        site=site,
        status=ExportStatus.REQUESTED,
        requested_at=clock.now(),
        requested_by=by,
    )
    begin(export, EXPORT, by=by)
    where = f"of {site.code}" if site else "of all sites"
    record(
        "request_clinical_export",
        export,
        f"An export of the clinical data {where} was requested.",
        by=by,
        site_code=site.code if site else "",
    )
    return export
