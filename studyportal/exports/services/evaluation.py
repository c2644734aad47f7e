"""The archive of one evaluation run."""

from __future__ import annotations

import json
import zipfile
from dataclasses import fields
from io import BytesIO
from typing import TYPE_CHECKING, Any

from evaluation.analysis import Tables
from studyportal.core.storage import read_bytes, store_bytes
from studyportal.exports.rules import DICTIONARY, as_csv, dictionary_csv
from studyportal.exports.services.archive import SummedZip
from studyportal.outcomes.selectors import files_of
from studyportal.outcomes.services import refuse_sealed, tables_of

if TYPE_CHECKING:
    from studyportal.exports.models import Export
    from studyportal.outcomes.models import EvaluationRun


def archive_run(export: Export) -> dict[str, Any]:
    """The zip of the run lies in the archive; the same run gives the same bytes."""
    if export.run is None:
        raise ValueError("an export of an evaluation names its run")
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        summed = SummedZip(archive)
        contents = [summed.add(name, body) for name, body in _files(export.run)]
        summed.close()
    stored = store_bytes(buffer.getvalue())
    return {"archive_sha256": stored.sha256, "size": stored.size, "contents": contents}


def _files(run: EvaluationRun) -> list[tuple[str, bytes]]:
    refuse_sealed(run.cut)
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
