"""De-identified copies of many files, made by as many processes as there are processors.

The child that reads an upload forks parts of itself; each takes every so-manyth file under the same limits, and
tells what it made. Whatever a part did not make, for whatever reason, the child makes itself: so a file that kills
its reader kills the child there, as it would have without parts, and the refusal names it.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from studyportal.imaging.rules.deidentification_report import DeidentificationReport
from studyportal.imaging.rules.pseudonym import PseudonymContext
from studyportal.imaging.rules.series_cleaning import SeriesCleaner

_FEWEST_FOR_A_PART = 24  # below this, forking costs more than it gives
_MOST_PARTS = 4


class Watch(Protocol):
    """Sets the limits before each file, and before work on all of them."""

    def file(self, number: int, *, size: int) -> None: ...

    def whole(self) -> None: ...

    def unheard(self) -> "Watch": ...


@dataclass(frozen=True)
class Copy:
    """A de-identified copy: its pseudonymous UID and what was done."""

    sop_instance_uid: str
    report: DeidentificationReport


Make = Callable[[int], Copy]


def copies_of(
    files: Sequence[Path], *, folder: Path, context: PseudonymContext, watch: Watch
) -> list[Copy]:
    """A copy of each file lies in the folder under its place (`000000`, …), in the order of the files."""
    cleaner = SeriesCleaner(context)

    def make(number: int) -> Copy:
        cleaned = cleaner.clean(files[number].read_bytes())
        (folder / _name(number)).write_bytes(cleaned.content)
        return Copy(cleaned.sop_instance_uid, cleaned.report)

    sizes = [path.stat().st_size for path in files]
    made = _made_by_parts(len(files), make=make, watch=watch, sizes=sizes)
    for number, size in enumerate(sizes):
        if number not in made:
            watch.file(number, size=size)
            made[number] = make(number)
    return [made[number] for number in range(len(files))]


def _name(number: int) -> str:
    return f"{number:06}"


def _made_by_parts(
    count: int, *, make: Make, watch: Watch, sizes: Sequence[int]
) -> dict[int, Copy]:
    """What the parts made; nothing where there is one processor, or too few files to share."""
    parts = min(len(os.sched_getaffinity(0)), _MOST_PARTS, count // _FEWEST_FOR_A_PART)
    if parts < 2:
        return {}
    watch.whole()
    begun = [
        _begin(range(part, count, parts), make=make, watch=watch.unheard(), sizes=sizes)
        for part in range(parts)
    ]
    # All are listened to at once: a part whose pipe is full would wait for the others.
    with ThreadPoolExecutor(parts) as listeners:
        told = listeners.map(lambda part: list(_finished(*part)), begun)
        return {number: copy for some in told for number, copy in some}


def _begin(
    numbers: range, *, make: Make, watch: Watch, sizes: Sequence[int]
) -> tuple[int, BinaryIO]:
    """A part is at work on these files; its process and where it tells what it made."""
    told, telling = os.pipe()
    pid = os.fork()
    if pid:
        os.close(telling)
        return pid, os.fdopen(told, "rb")
    try:  # from here on this is the part, which must end here whatever happens
        os.close(told)
        with os.fdopen(telling, "wb") as stream:
            former: Copy | None = None
            for number in numbers:
                watch.file(number, size=sizes[number])
                copy = make(number)
                stream.write(_told(number, copy, former))
                stream.flush()
                former = copy
    finally:
        sys.stderr.flush()
        os._exit(0)


def _told(number: int, copy: Copy, former: Copy | None) -> bytes:
    """One line for the child; a report like that of the copy before is not told again."""
    facts: dict[str, Any] = {"number": number, "uid": copy.sop_instance_uid}
    report = copy.report
    if former is None or report is not former.report:
        facts["report"] = {
            "actions": dict(report.actions), "notes": report.notes,
            "attributes": dict(report.attributes), "again": report.again,
        }  # fmt: skip
    return json.dumps(facts).encode() + b"\n"


def _finished(pid: int, stream: BinaryIO) -> Iterator[tuple[int, Copy]]:
    """What a part made until it ended, well or not."""
    report: DeidentificationReport | None = None
    with stream:
        for line in stream:
            if line.endswith(b"\n"):
                facts = json.loads(line)
                report = _report(facts["report"]) if "report" in facts else report
                if report is not None:  # the first line of a part always tells one
                    yield facts["number"], Copy(facts["uid"], report)
    os.waitpid(pid, 0)


def _report(facts: dict[str, Any]) -> DeidentificationReport:
    return DeidentificationReport(
        facts["actions"],
        tuple(facts["notes"]),
        {rule: tuple(names) for rule, names in facts["attributes"].items()},
        again=facts["again"],
    )
