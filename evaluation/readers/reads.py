"""Reads: what one reader said of one unit in one arm, as a table and as a CSV file."""

import csv
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from io import StringIO

import pandas as pd

CALLS = ("", "positive", "negative")
_YES, _NO = {"1", "true", "yes"}, {"", "0", "false", "no"}


@dataclass(frozen=True)
class Read:
    """One read. ``score`` is None only where the reader could not decide (``indeterminate``).

    ``question`` is the target condition (``malignancy``, ``nodal_metastasis`` ...), ``unit`` is
    ``lesion``, ``station`` or ``participant``, ``unit_id`` the lesion's number or the station, empty
    per participant; ``call`` is the reader's own decision, empty where none was asked for.
    """

    session: str
    arm: str
    reader: str
    participant: str
    question: str
    unit: str
    unit_id: str
    score: float | None
    call: str = ""
    indeterminate: bool = False


COLUMNS = tuple(f.name for f in fields(Read))
_NEEDED = ("arm", "reader", "participant", "question", "unit")
_PLACE = ("arm", "reader", "participant", "question", "unit", "unit_id")


@dataclass(frozen=True)
class ReadFault:
    """What is wrong with one line of a file of reads; the head of the file is line 1."""

    line: int
    column: str
    text: str

    def __str__(self) -> str:
        """Line, column and sentence."""
        return f"line {self.line}, {self.column}: {self.text}"


def reads_from_csv(text: str) -> tuple[dict[int, Read], list[ReadFault]]:
    """Return the reads of a CSV file by their line, and everything that is wrong, line by line.

    The file has the columns of `Read`, in any order; ``session``, ``call`` and ``indeterminate``
    may be missing. A read that stands twice is a fault.
    """
    table = csv.DictReader(StringIO(text.removeprefix("\ufeff")))
    head = table.fieldnames or []
    lacking = [name for name in (*_NEEDED, "unit_id", "score") if name not in head]
    unknown = [name for name in head if name not in COLUMNS]
    if lacking or unknown:
        faults = [ReadFault(1, name, "this column is missing") for name in lacking]
        return {}, faults + [ReadFault(1, name, "this column is not known") for name in unknown]
    found: dict[int, Read] = {}
    faults = []
    for line, row in enumerate(table, start=2):
        read = _read(line, row)
        if isinstance(read, Read):
            found[line] = read
        else:
            faults += read
    return found, faults + _repeated(found)


def index_scores(reads: Iterable[Read], *, sites: Mapping[str, str]) -> pd.DataFrame:
    """Return the reads as the table ``index_scores`` of an analysis; ``sites`` by participant.

    Raises
    ------
    ValueError
        When a read is of a participant whose site is not given.
    """
    rows = []
    for read in reads:
        if read.participant not in sites:
            raise ValueError(f"participant {read.participant} has no site")
        rows.append(
            {
                "participant": read.participant, "site": sites[read.participant],
                "test": f"reader_{read.arm}", "arm": read.arm, "reader": read.reader,
                "target_condition": read.question, "unit": read.unit, "unit_id": read.unit_id,
                "score": math.nan if read.score is None else read.score,
                "indeterminate": read.indeterminate,
            }
        )  # fmt: skip
    names = ("participant", "site", "test", "arm", "reader", "target_condition", "unit", "unit_id",
             "score", "indeterminate")  # fmt: skip
    return pd.DataFrame(rows, columns=list(names))


def _read(line: int, row: Mapping[str, str | None]) -> Read | list[ReadFault]:
    cells = {name: (row.get(name) or "").strip() for name in COLUMNS}
    faults = [ReadFault(line, name, "this is empty") for name in _NEEDED if not cells[name]]
    if None in row:
        faults.append(ReadFault(line, "row", "there are more cells than columns"))
    if cells["call"] not in CALLS:
        faults.append(
            ReadFault(line, "call", f"“{cells['call']}” is neither positive nor negative")
        )
    undecided = _flag(cells["indeterminate"])
    if undecided is None:
        faults.append(ReadFault(line, "indeterminate", "write yes or no"))
    score = _score(cells["score"])
    if isinstance(score, str):
        faults.append(ReadFault(line, "score", score))
    elif score is None and undecided is False:
        faults.append(ReadFault(line, "score", "a read without a score must be indeterminate"))
    if faults or isinstance(score, str) or undecided is None:
        return faults
    words = {name: cells[name] for name in COLUMNS if name not in ("score", "indeterminate")}
    return Read(**words, score=score, indeterminate=undecided)


def _flag(cell: str) -> bool | None:
    word = cell.lower()
    return word in _YES if word in _YES | _NO else None


def _score(cell: str) -> float | str | None:
    if not cell:
        return None
    try:
        value = float(cell)
    except ValueError:
        return f"“{cell}” is no number"
    return value if math.isfinite(value) else f"“{cell}” is no finite number"


def _repeated(found: Mapping[int, Read]) -> list[ReadFault]:
    seen: dict[tuple[str, ...], int] = {}
    faults = []
    for line, read in found.items():
        place = tuple(getattr(read, name) for name in _PLACE)
        if place in seen:
            text = f"the same read stands in line {seen[place]}"
            faults.append(ReadFault(line, "row", text))
        seen.setdefault(place, line)
    return faults
