"""Reads a cases file: one row per participant. Every fault of every row is found before anything is kept."""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TypeVar

from evaluation.imaging.series import files_of
from studyportal.clinical.rules import ReferenceEntry, baseline_faults, read_reference
from studyportal.core.errors import Reason, Refused
from studyportal.imaging.services import headlines_of
from studyportal.outcomes.rules import ScoreEntry, read_scores
from studyportal.participants.rules import Answer, ScreeningFacts, Verdict, assess, faults_of
from studyportal.protocol.rules import Protocol

SCORE_RANGE = (0.0, 100.0)
REQUIRED = (
    "site",
    "sex",
    "age_years",
    "screening_date",
    "consent_date",
    "consent_version",
    "ct_folder",
    "pet_folder",
    "reference_standard",
)
OPTIONAL = ("height_cm", "weight_kg", "lesions_file", "reader_scores")

T = TypeVar("T")


@dataclass
class CaseRow:
    """One row: what it says, and everything that is wrong with it."""

    line: int
    facts: ScreeningFacts | None = None
    ct_folder: Path | None = None
    pet_folder: Path | None = None
    ct_files: tuple[Path, ...] = ()
    pet_files: tuple[Path, ...] = ()
    patient_keys: frozenset[str] = frozenset()  # keyed digests; no hospital number leaves the child
    lesions_file: Path | None = None
    lesion_names: str = ""
    height_cm: float | None = None
    weight_kg: float | None = None
    reference: list[ReferenceEntry] = field(default_factory=list)
    scores: list[ScoreEntry] = field(default_factory=list)
    faults: list[Reason] = field(default_factory=list)


def read_cases(path: Path, *, protocol: Protocol, today: date) -> list[CaseRow]:
    """Return every row with its faults.

    Raises
    ------
    Refused
        When the file is missing, is not a table, or its columns are not the ones asked for.
    """
    if not path.is_file():
        raise Refused(Reason("no_file", f"There is no file {path.name}."))
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            _check_columns(reader.fieldnames or [], protocol)
            rows = [
                _read_row(reader.line_num, cells, path.parent, protocol, today=today)
                for cells in reader
            ]
    except (UnicodeDecodeError, csv.Error) as error:
        raise Refused(Reason("not_a_table", f"{path.name} is not a CSV table in UTF-8.")) from error
    if not rows:
        raise Refused(Reason("no_rows", f"{path.name} has no row."))
    _mark_shared_files(rows)
    _mark_shared_persons(rows)
    return rows


def _check_columns(names: Sequence[str], protocol: Protocol) -> None:
    codes = [criterion.code for criterion in protocol.criteria]
    missing = [name for name in (*REQUIRED, *codes) if name not in names]
    unknown = [name for name in names if name not in (*REQUIRED, *OPTIONAL, *codes)]
    reasons = [Reason("column_missing", f"The column “{name}” is missing.") for name in missing]
    reasons += [Reason("column_unknown", f"The column “{name}” is not known.") for name in unknown]
    if reasons:
        raise Refused(*reasons)


def _read_row(
    line: int, cells: Mapping[str, str | None], folder: Path, protocol: Protocol, *, today: date
) -> CaseRow:
    row = CaseRow(line=line)
    text = {name: (value or "").strip() for name, value in cells.items() if name is not None}
    if None in cells or any(value is None for value in cells.values()):
        row.faults.append(Reason("cells", "The row has another number of cells than the header."))
        return row
    row.facts = _facts(text, row, protocol)
    row.height_cm = _number(text, "height_cm", row)
    row.weight_kg = _number(text, "weight_kg", row)
    row.faults += baseline_faults(row.height_cm, row.weight_kg)
    row.reference, faults = read_reference(text["reference_standard"])
    row.faults += faults
    row.scores, faults = read_scores(
        text.get("reader_scores", ""), low=SCORE_RANGE[0], high=SCORE_RANGE[1]
    )
    row.faults += faults
    _read_folders(text, row, folder)
    if row.facts is not None:
        row.faults += faults_of(row.facts, protocol, today=today)
        _check_images_expected(row, protocol)
    return row


def _facts(text: Mapping[str, str], row: CaseRow, protocol: Protocol) -> ScreeningFacts | None:
    screened = _parsed(
        text, "screening_date", row, date.fromisoformat, form="a date as 2026-01-31", needed=True
    )
    consent = _parsed(text, "consent_date", row, date.fromisoformat, form="a date as 2026-01-31")
    age = _parsed(text, "age_years", row, int, form="a whole number of years")
    answers = {
        criterion.code: answer
        for criterion in protocol.criteria
        if (
            answer := _parsed(
                text, criterion.code, row, Answer, form="met, not_met or unknown", needed=True
            )
        )
        is not None
    }
    if text["site"] not in {site.code for site in protocol.sites}:
        row.faults.append(
            Reason("site_unknown", f"“{text['site']}” is not a site of the protocol.", "site")
        )
    if screened is None:
        return None
    return ScreeningFacts(
        site_code=text["site"],
        sex=text["sex"],
        age_years=age,
        screening_date=screened,
        consent_date=consent,
        consent_version=text["consent_version"],
        answers=answers,
    )


def _parsed(
    text: Mapping[str, str],
    name: str,
    row: CaseRow,
    read: Callable[[str], T],
    *,
    form: str,
    needed: bool = False,
) -> T | None:
    value = text[name]
    if not value:
        if needed:
            row.faults.append(
                Reason("cell_empty", f"The cell is empty; it must hold {form}.", name)
            )
        return None
    try:
        return read(value)
    except ValueError:
        row.faults.append(Reason("cell_form", f"“{value}” is not {form}.", name))
        return None


def _number(text: Mapping[str, str], name: str, row: CaseRow) -> float | None:
    return _parsed(text, name, row, float, form="a number") if text.get(name) else None


def _read_folders(text: Mapping[str, str], row: CaseRow, folder: Path) -> None:
    row.ct_folder, row.ct_files = _series_in(text, "CT", row, folder)
    row.pet_folder, row.pet_files = _series_in(text, "PT", row, folder)
    name, _, row.lesion_names = text.get("lesions_file", "").partition("#")
    if name:
        row.lesions_file = folder / name
        if not row.lesions_file.is_file():
            row.faults.append(Reason("no_such_file", "There is no such file.", "lesions_file"))


def _series_in(
    text: Mapping[str, str], modality: str, row: CaseRow, base: Path
) -> tuple[Path | None, tuple[Path, ...]]:
    """The one series of this modality below a folder; without any, every file, so that intake says what they are.

    The files are looked into by a limited child, as whatever comes by another way.
    """
    column = {"CT": "ct_folder", "PT": "pet_folder"}[modality]
    value = text[column]
    if not value:
        return None, ()
    path = base / value
    if not path.is_dir():
        row.faults.append(Reason("no_such_folder", "There is no such folder.", column))
        return path, ()
    found = files_of(path)
    told = headlines_of(found, text["site"])
    own = [(file, one) for file, one in zip(found, told, strict=True) if _of(one, modality)]
    series = {one["series"] for _, one in own}
    if len(series) > 1:
        sentence = (
            f"The folder holds {len(series)} {modality} series; name the folder of the one to use."
        )
        row.faults.append(Reason("several_series", sentence, column))
    if not found:
        row.faults.append(Reason("empty_folder", "The folder holds no file.", column))
    row.patient_keys |= {one["patient"] for _, one in own if one["patient"]}
    return path, tuple(file for file, _ in own) or tuple(found)


def _of(told: Mapping[str, str], modality: str) -> bool:
    """Whether a file is of a series of this kind; one that cannot be read tells nothing of itself."""
    return bool(told.get("series")) and told.get("modality") == modality


def _check_images_expected(row: CaseRow, protocol: Protocol) -> None:
    if row.facts is None:
        return
    verdict = assess(row.facts.answers, protocol.criteria).verdict
    if verdict != Verdict.ELIGIBLE and (row.ct_folder or row.pet_folder or row.lesions_file):
        row.faults.append(
            Reason(
                "images_not_expected",
                f"Images are given, yet the participant is {verdict.replace('_', ' ')}.",
                "ct_folder",
            )
        )


def _mark_shared_files(rows: Sequence[CaseRow]) -> None:
    first: dict[Path, int] = {}
    for row in rows:
        for column, files in (("ct_folder", row.ct_files), ("pet_folder", row.pet_files)):
            if not files:
                continue
            resolved = files[0].resolve()
            if resolved in first:
                row.faults.append(
                    Reason(
                        "series_twice",
                        f"The same images are named in line {first[resolved]} already.",
                        column,
                    )
                )
            first.setdefault(resolved, row.line)


def _mark_shared_persons(rows: Sequence[CaseRow]) -> None:
    first: dict[tuple[str, str], int] = {}
    for row in rows:
        site = row.facts.site_code if row.facts is not None else ""
        keys = {(site, identifier) for identifier in row.patient_keys}
        if lines := sorted({first[key] for key in keys if key in first}):
            sentence = f"The images belong to the person of line {lines[0]}."
            row.faults.append(Reason("person_twice", sentence))
        for key in keys:
            first.setdefault(key, row.line)
