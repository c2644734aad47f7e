"""How a session goes on, without any result: who has read how much, how fast, and what the checks of quality say."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from uuid import UUID

from evaluation.statistics import Comparison
from studyportal.reading.models import Read, ReadCall, ReadingSession, SessionReader
from studyportal.reading.rules import PairedCall, self_agreement
from studyportal.reading.selectors.counting import counting
from studyportal.reading.selectors.sessions import readers_of
from studyportal.reading.states import ReadKind, ReadStatus


@dataclass(frozen=True)
class ReaderProgress:
    """One reader: reads done of all, pace, and quality; nothing that tells an arm or an outcome."""

    reader: SessionReader
    done: int
    total: int
    median_seconds: float | None
    last_at: datetime | None
    corrections: int
    repeats_done: int
    agreement: Comparison
    attention_done: int
    attention_missed: int


def progress_of(session: ReadingSession) -> list[ReaderProgress]:
    """Every reader by code. Reads of cases that were taken out or are held do not count."""
    reads = _counted(session)
    of_reader: dict[UUID, list[Read]] = defaultdict(list)
    for read in reads:
        of_reader[read.reader_id].append(read)
    calls = _calls(reads)
    return [_progress(reader, of_reader[reader.pk], calls) for reader in readers_of(session)]


def standing_reads(reads: list[Read]) -> list[Read]:
    """Of each read the last submitted version; a correction that was not submitted changes nothing."""
    replaced = {
        read.corrects_id
        for read in reads
        if read.corrects_id is not None and read.status == ReadStatus.SUBMITTED
    }
    return [
        read for read in reads if read.status == ReadStatus.SUBMITTED and read.pk not in replaced
    ]


def _counted(session: ReadingSession) -> list[Read]:
    rows = Read.objects.filter(counting("case__"), reader__session=session)
    return list(rows.select_related("case", "arm", "reader"))


def _calls(reads: list[Read]) -> dict[UUID, dict[tuple[str, str], str]]:
    """Calls of hidden repeats, of what they repeat, and of attention cases."""
    wanted = [read.pk for read in reads if read.status == ReadStatus.SUBMITTED]
    found: dict[UUID, dict[tuple[str, str], str]] = defaultdict(dict)
    rows = ReadCall.objects.filter(read__in=wanted).values_list(
        "read_id", "question", "unit_id", "call"
    )
    for read_id, question, unit_id, call in rows:
        found[read_id][(question, unit_id)] = call
    return found


def _progress(
    reader: SessionReader, reads: list[Read], calls: dict[UUID, dict[tuple[str, str], str]]
) -> ReaderProgress:
    first = [read for read in reads if read.corrects_id is None]
    standing = standing_reads(reads)
    seconds = [read.seconds for read in standing if read.kind != ReadKind.PRACTICE]
    kinds = Counter(read.kind for read in standing)
    return ReaderProgress(
        reader=reader,
        done=sum(read.status == ReadStatus.SUBMITTED for read in first),
        total=len(first),
        median_seconds=median(seconds) if seconds else None,
        last_at=max((read.submitted_at for read in standing if read.submitted_at), default=None),
        corrections=sum(read.corrects_id is not None for read in standing),
        repeats_done=kinds[ReadKind.REPEAT],
        agreement=self_agreement(_pairs(standing, calls)),
        attention_done=kinds[ReadKind.ATTENTION],
        attention_missed=sum(
            _missed(read, calls[read.pk]) for read in standing if read.kind == ReadKind.ATTENTION
        ),
    )


def _pairs(standing: list[Read], calls: dict[UUID, dict[tuple[str, str], str]]) -> list[PairedCall]:
    first = {
        (read.case_id, read.arm_id): read for read in standing if read.kind == ReadKind.INDEPENDENT
    }
    found = []
    for read in standing:
        before = first.get((read.case_id, read.arm_id))
        if read.kind != ReadKind.REPEAT or before is None:
            continue
        again = calls[read.pk]
        found += [
            PairedCall(call, again[unit])
            for unit, call in sorted(calls[before.pk].items())
            if unit in again
        ]
    return found


def _missed(read: Read, calls: dict[tuple[str, str], str]) -> bool:
    """Whether an attention case was answered otherwise than an attentive reader answers it."""
    return any(
        calls.get((one["question"], one["unit_id"])) != one["expected"]
        for one in read.case.expected
    )
