"""Forms from a file in ODM-XML: the same judgement as tables get, over all forms of the file at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from studyportal.clinical.rules import TableRow, read_odm_row, study_oid
from studyportal.clinical.services.importing import keep_rows
from studyportal.clinical.services.odm_file import OdmFile, read_odm
from studyportal.core.errors import Reason, Refused, refuse_if
from studyportal.core.models import User
from studyportal.protocol.selectors import active_protocol


@dataclass(frozen=True)
class ImportedOdm:
    """What came of a file; `derived` rows follow from the forms and were not taken in."""

    rows: int
    forms: int
    complete: int
    derived: int


def import_odm(*, content: bytes, name: str, by: User) -> ImportedOdm:
    """Every row of the file stands on its form; forms that are whole are complete, the others are drafts.

    Signatures and audit records of the file are not taken over: they are about the system it came from.

    Raises
    ------
    Refused
        With every fault of every row, each with its line; then nothing is kept.
    """
    file = read_odm(content)
    _refuse_other_study(file)
    rows, faults = _rows(file)
    if not rows and not faults:
        raise Refused(Reason("no_rows", f"{name} holds no answer to a form."))
    kept = keep_rows(rows, faults, name=name, by=by, named=True)
    return ImportedOdm(kept.rows, kept.forms, kept.complete, file.derived)


def _refuse_other_study(file: OdmFile) -> None:
    number = active_protocol().registry_number
    refuse_if(
        [
            Reason("odm_study", f"The data are of another study, “{oid}”.", f"line {line}")
            for line, oid in file.studies
            if oid != study_oid(number) and file.words.protocols.get(oid) != number
        ]
    )


def _rows(file: OdmFile) -> tuple[Mapping[str, list[TableRow]], list[Reason]]:
    rows: dict[str, list[TableRow]] = {}
    faults = list(file.faults)
    for row in file.rows:
        kind = file.words.form_of(row.form)
        if kind is None:
            sentence = f"“{row.form}” is no form of this study."
            faults.append(Reason("line", sentence, f"line {row.line}"))
        else:
            rows.setdefault(kind, []).append(read_odm_row(row, kind, file.words))
    return rows, faults
