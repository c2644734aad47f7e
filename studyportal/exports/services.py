"""Requests, builds and hands out exports. The command line and the web call the same service and get the same bytes."""

from __future__ import annotations

import hashlib
import json
import logging
import zipfile
from dataclasses import fields
from io import BytesIO
from typing import TYPE_CHECKING

from django.db import transaction

from evaluation.analysis import Tables
from studyportal.core import clock
from studyportal.core.errors import Reason, Refused, StaleState
from studyportal.core.services import advance, begin, record
from studyportal.core.storage import read_bytes, store_bytes
from studyportal.exports.models import Export, ExportDownload
from studyportal.exports.rules import DICTIONARY, as_csv, dictionary_csv
from studyportal.exports.states import EXPORT, ExportStatus
from studyportal.outcomes.selectors import files_of
from studyportal.outcomes.services import tables_of
from studyportal.outcomes.states import RunStatus
from studyportal.sites.rules import Action
from studyportal.sites.services import require

if TYPE_CHECKING:
    from studyportal.core.models import User
    from studyportal.outcomes.models import EvaluationRun

_log = logging.getLogger(__name__)
_MOMENT = (
    1980,
    1,
    1,
    0,
    0,
    0,
)  # one fixed time in every entry, so that the same content gives the same bytes


@transaction.atomic
def request_export(*, run: EvaluationRun, by: User) -> Export:
    """An export of this completed run waits to be built."""
    require(by, Action.EXPORT)
    if run.status not in (RunStatus.COMPLETED, RunStatus.SUPERSEDED):
        raise Refused(Reason("run_not_completed", "Only a completed evaluation can be exported."))
    export = Export.objects.create(
        run=run, status=ExportStatus.REQUESTED, requested_at=clock.now(), requested_by=by
    )
    begin(export, EXPORT, by=by)
    record("request_export", export, f"An export of “{run.cut.name}” was requested.", by=by)
    return export


def build_export(*, export: Export) -> Export:
    """The export is ready, or errored with a reason; building it twice is harmless."""
    if export.status != ExportStatus.REQUESTED:
        return export
    try:
        advance(export, EXPORT, ExportStatus.BUILDING, by=None)
    except StaleState:  # another worker took it
        return export
    try:
        archive, contents = archive_of(export.run)
        stored = store_bytes(archive)
    except Exception as error:  # noqa: BLE001 the shell, see below
        # The shell of building: an export never stays *building*; what broke is logged with its traceback.
        _log.exception("export %s broke", export.pk)
        reason = f"The export broke ({type(error).__name__}). It was logged."
        advance(export, EXPORT, ExportStatus.ERRORED, by=None, reason=reason)
        return export
    advance(
        export,
        EXPORT,
        ExportStatus.READY,
        by=None,
        built_at=clock.now(),
        archive_sha256=stored.sha256,
        size=stored.size,
        contents=contents,
    )
    return export


@transaction.atomic
def download_export(*, export: Export, by: User) -> bytes:
    """The bytes of a ready export; who took them is kept."""
    require(by, Action.EXPORT)
    if export.status != ExportStatus.READY:
        raise Refused(Reason("export_not_ready", "This export is not ready."))
    ExportDownload.objects.create(export=export, by=by, at=clock.now())
    record(
        "download_export",
        export,
        f"The export {export.archive_sha256[:12]}… was downloaded.",
        by=by,
    )
    return read_bytes(export.archive_sha256)


def archive_of(run: EvaluationRun) -> tuple[bytes, list[dict[str, object]]]:
    """The zip of a run and the list of what is in it; the same run gives the same bytes."""
    files = _files(run)
    contents = [
        {"name": name, "sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body)}
        for name, body in files
    ]
    sums = "".join(f"{entry['sha256']}  {entry['name']}\n" for entry in contents).encode()
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in [*files, ("SHA256SUMS", sums)]:
            entry = zipfile.ZipInfo(name, _MOMENT)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, body)
    return buffer.getvalue(), contents


def _files(run: EvaluationRun) -> list[tuple[str, bytes]]:
    tables = tables_of(run.cut)
    provenance = json.dumps(run.provenance, indent=1, sort_keys=True, ensure_ascii=False).encode()
    report = [(f"report/{file.name}", read_bytes(file.sha256)) for file in files_of(run)]
    return [
        ("provenance.json", provenance),
        ("data_dictionary.csv", dictionary_csv()),
        ("analysis_plan.toml", run.cut.plan_text.encode()),
        ("protocol.toml", run.cut.protocol_version.text.encode()),
        *((f"tables/{field.name}.csv", _table(field.name, tables)) for field in fields(Tables)),
        *sorted(report),
    ]


def _table(name: str, tables: Tables) -> bytes:
    frame = getattr(tables, name)
    # A cut that was frozen before a column existed lacks it.
    described = [column.name for column in DICTIONARY if column.table == name]
    columns = [column for column in described if column in frame.columns]
    rows = frame[columns].astype(object).where(frame[columns].notna(), None).to_dict("records")
    return as_csv(columns, rows)
