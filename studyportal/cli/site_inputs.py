"""What a site tells `manage.py deidentify`: the key of the study, and who is which participant."""

import csv
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from studyportal.core.errors import Reason, Refused
from studyportal.imaging.rules import DeidentificationKey

KEY_VARIABLE = "STUDYPORTAL_DEIDENTIFICATION_KEY"
_CODE = re.compile(r"([A-Za-z0-9]{1,16})-\d{1,10}")
_COLUMNS = ("patient_id", "participant")


@dataclass(frozen=True)
class Codes:
    """Which participant a patient is: one for all images, or one per hospital number.

    Neither the numbers nor the table ever shows in a repr.
    """

    only: str = ""
    by_patient: Mapping[str, str] = field(default_factory=dict, repr=False)


def read_key(key_file: Path | None, environment: Mapping[str, str]) -> DeidentificationKey:
    """The key of the study, from the file or else from the environment.

    Raises
    ------
    Refused
        When neither holds one, or it is too short.
    """
    if key_file is not None:
        try:
            secret = key_file.read_bytes().rstrip(b"\r\n")
        except OSError as error:
            raise Refused(Reason("key_missing", "The key file cannot be read.")) from error
    else:
        secret = environment.get(KEY_VARIABLE, "").encode()
    if not secret:
        sentence = f"Without the key of the study nothing can be de-identified. Name its file with --key-file, or set {KEY_VARIABLE}."
        raise Refused(Reason("key_missing", sentence))
    try:
        return DeidentificationKey(secret)
    except ValueError as error:
        raise Refused(Reason("key_short", str(error))) from error


def one_code(code: str) -> Codes:
    """All images are this participant's.

    Raises
    ------
    Refused
        When it is no study code.
    """
    _site(code)
    return Codes(only=code)


def site_of(code: str) -> str:
    """The code of the site in a participant's code: `SPH` of `SPH-00012`."""
    return _site(code)


def read_codes(table: Path) -> Codes:
    """The participants of a mapping file: CSV in UTF-8 with the columns patient_id and participant.

    Raises
    ------
    Refused
        With every fault; lines are named, hospital numbers are not.
    """
    rows = _rows(table)
    faults = [fault for line, row in rows for fault in _faults(line, row)]
    for column, what in zip(_COLUMNS, ("hospital number", "participant"), strict=True):
        counts = Counter(row[column] for _, row in rows if row[column])
        lines = [line for line, row in rows if counts[row[column]] > 1]
        if lines:
            told = ", ".join(map(str, lines))
            faults.append(Reason("twice", f"The same {what} stands in lines {told}.", "mapping"))
    if not rows:
        faults.append(Reason("empty", "The mapping has no row.", "mapping"))
    if faults:
        raise Refused(*faults)
    return Codes(
        by_patient=MappingProxyType({row["patient_id"]: row["participant"] for _, row in rows})
    )


def _rows(table: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                names = ", ".join(missing)
                raise Refused(Reason("column", f"The mapping has no column {names}.", "mapping"))
            return [
                (number, {name: (row[name] or "").strip() for name in _COLUMNS})
                for number, row in enumerate(reader, start=2)
            ]
    except OSError as error:
        raise Refused(Reason("mapping", "The mapping file cannot be read.", "mapping")) from error
    except (UnicodeDecodeError, csv.Error) as error:
        sentence = "The mapping is not a CSV table in UTF-8."
        raise Refused(Reason("mapping", sentence, "mapping")) from error


def _faults(line: int, row: Mapping[str, str]) -> list[Reason]:
    where, faults = f"mapping, line {line}", []
    if not row["patient_id"]:
        faults.append(Reason("patient_id", "The hospital number is missing.", where))
    try:
        _site(row["participant"])
    except Refused as refusal:
        faults += [Reason(one.id, one.sentence, where) for one in refusal.reasons]
    return faults


def _site(code: str) -> str:
    match = _CODE.fullmatch(code)
    if match is None:
        # What stands here may be a name that was put into the wrong column.
        sentence = "The participant is not a study code such as SPH-00012."
        raise Refused(Reason("participant_code", sentence))
    return match[1]
