"""The archive of clinical data: every table in one format, data dictionary, manifest and checksums."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import connection, transaction

from studyportal import __version__
from studyportal.clinical.rules import DEFINITION_VERSION
from studyportal.clinical.states import FormStatus
from studyportal.core import clock
from studyportal.core.chain import head
from studyportal.core.errors import Reason, Refused
from studyportal.core.storage import keep_file, partial_file
from studyportal.exports.rules import (
    codes_csv,
    columns_csv,
    reading_guide,
)
from studyportal.exports.services.archive import SummedZip
from studyportal.exports.services.odm import Cut, write_odm
from studyportal.exports.services.reading import clinical_tables
from studyportal.exports.services.writers import WRITERS, Written
from studyportal.exports.states import DataFormat
from studyportal.participants.selectors import (
    participants_visible_to,
    removals,
    removed_ids,
    with_consent,
)
from studyportal.protocol.selectors import active_protocol
from studyportal.sites.rules import Action
from studyportal.sites.selectors import sites_visible_to
from studyportal.sites.services import require

if TYPE_CHECKING:
    from studyportal.exports.models import Export

NO_CONSENT = "no_consent"


def archive_clinical(export: Export) -> dict[str, Any]:
    """The zip of clinical data lies in the archive; all tables are of one moment, and no participant is held for long.

    Raises
    ------
    Refused
        When whoever asked may no longer export, or nothing may leave.
    """
    require(export.requested_by, Action.EXPORT, site=export.site)
    require(export.requested_by, Action.SEE_PARTICIPANTS, site=export.site)
    Path(settings.WORK_DIR).mkdir(parents=True, exist_ok=True)
    alone = not connection.in_atomic_block
    with tempfile.TemporaryDirectory(dir=settings.WORK_DIR) as name, transaction.atomic():
        if alone:  # every table is read as it was when the first one was
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cut = _cut(export)
        folder = Path(name)
        tables = list(_written(export, folder, cut))
        return _archived(export, folder, cut, tables)


def removed_since(export: Export) -> bool:
    """Whether somebody whose data the archive may hold had them removed after it was begun."""
    rows = removals().filter(recorded_at__gte=export.started_at)
    if export.site is not None:
        rows = rows.filter(participant__site=export.site)
    return rows.exists()


def _cut(export: Export) -> Cut:
    by = export.requested_by
    sites = sites_visible_to(by, Action.EXPORT)
    if export.site is not None:
        sites = sites.filter(pk=export.site.pk)
    people = participants_visible_to(by).filter(site__in=sites).exclude(pk__in=removed_ids())
    leaving = people.filter(pk__in=with_consent())
    count = leaving.count()
    if not count:
        raise Refused(Reason("nothing_to_export", "No participant's data may be exported."))
    without = people.count() - count
    statuses = [one for one in FormStatus if export.with_drafts or one != FormStatus.DRAFT]
    return Cut(
        key=str(export.pk),
        protocol=active_protocol(),
        sites=list(sites.order_by("code")),
        participants=leaving,
        statuses=statuses,
        at=clock.now(),
        whole=export.site is None,
        left_out={NO_CONSENT: without} if without else {},
    )


def _written(export: Export, folder: Path, cut: Cut) -> Iterator[Written]:
    kind = DataFormat(export.format)
    if kind is DataFormat.ODM:
        return write_odm(folder, cut)
    return WRITERS[kind](folder, clinical_tables(cut), export.language)


def _archived(export: Export, folder: Path, cut: Cut, tables: Sequence[Written]) -> dict[str, Any]:
    with partial_file(str(export.pk)) as path:
        with zipfile.ZipFile(path, "w", allowZip64=True) as archive:
            summed = SummedZip(archive)
            files = _added(summed, folder, tables)
            manifest = _manifest(export, cut, tables, files)
            files += [
                summed.add("data_dictionary.csv", columns_csv()),
                summed.add("codes.csv", codes_csv()),
                summed.add("how_to_read.txt", reading_guide(DataFormat(export.format)).encode()),
                summed.add("manifest.json", manifest),
            ]
            summed.close()
        stored = keep_file(path)
    return {
        "archive_sha256": stored.sha256,
        "size": stored.size,
        "contents": files,
        "left_out": cut.left_out,
    }


def _added(summed: SummedZip, folder: Path, tables: Sequence[Written]) -> list[dict[str, object]]:
    """Every file with data is in the archive; each says how many rows it holds."""
    rows: dict[str, int] = {}
    for one in tables:
        rows[one.file] = rows.get(one.file, 0) + one.rows
    files = []
    for path in sorted(folder.iterdir()):
        entry = summed.add_file(f"data/{path.name}", path)
        files.append(entry | ({"rows": rows[path.name]} if path.name in rows else {}))
    return files


def _manifest(
    export: Export,
    cut: Cut,
    tables: Sequence[Written],
    files: Sequence[dict[str, object]],
) -> bytes:
    facts = {
        "export": str(export.pk),
        "format": export.format,
        "labels": export.language,
        "data_cut": _moment(cut.at),
        "audit_trail": _trail(cut.at),
        "study": cut.protocol.registry_number,
        "protocol_version": cut.protocol.version,
        "form_definitions": DEFINITION_VERSION,
        "sites": [site.code for site in cut.sites],
        "forms": list(cut.statuses),
        "participants": cut.participants.count(),
        "participants_left_out": cut.left_out,
        "tables": [asdict(one) for one in tables],
        "files": list(files),
        "software": {
            "studyportal": __version__,
            **{name: version(name) for name in ("openpyxl", "pyarrow", "pyreadstat")},
        },
    }
    return json.dumps(facts, indent=1, sort_keys=True, ensure_ascii=False).encode()


def _trail(at: datetime) -> dict[str, object]:
    """Where the chain of the audit trail stood, so that the data can be held against it later."""
    anchor = head(at)
    return {"link": anchor.number, "sha256": anchor.sha256}


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
