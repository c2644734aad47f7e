"""The reads of a closed session leave the portal as a file, and the audit trail says who took them."""

from __future__ import annotations

import csv
from io import StringIO

from django.db import transaction

from evaluation.readers import Read as ReadRow
from evaluation.readers.reads import COLUMNS
from studyportal.core.models import User
from studyportal.core.services import record
from studyportal.reading.models import ReadingSession
from studyportal.reading.selectors import ScoreRow, index_rows
from studyportal.sites.rules import Action
from studyportal.sites.services import require


@transaction.atomic
def export_reads(*, session: ReadingSession, by: User) -> str:
    """The reads as CSV in the layout that `import_reads` takes; the audit trail records the download.

    A line is a score of an index test, as the design says which answers are. Image quality, confidence and sites
    are none.

    Raises
    ------
    Refused
        While the session is open.
    """
    require(by, Action.EXPORT)
    lines = [_line(row) for row in index_rows(session)]
    sentence = f"{len(lines)} reads of reading session {session} were downloaded."
    record("export_reads", session, sentence, by=by)
    return _csv(lines)


def _line(row: ScoreRow) -> ReadRow:
    return ReadRow(
        session=row.session, arm=row.arm, reader=row.reader, participant=row.participant,
        question=row.condition, unit=row.unit, unit_id=row.unit_id, score=row.score,
        call=row.call, indeterminate=row.indeterminate,
    )  # fmt: skip


def _csv(lines: list[ReadRow]) -> str:
    text = StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for line in lines:
        cells = [getattr(line, name) for name in COLUMNS]
        table.writerow(_cell(cell) for cell in cells)
    return text.getvalue()


def _cell(cell: object) -> str:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return "" if cell is None else f"{cell:g}" if isinstance(cell, float) else str(cell)
