"""What a reader sees: the own list, the case that comes next, its images. Nothing here names anybody or anything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import Max, QuerySet
from django.utils import timezone

from studyportal.core import clock
from studyportal.reading.models import CaseVolume, Read, ReadingSession, SessionReader
from studyportal.reading.rules import ArmPlan, washed_out
from studyportal.reading.selectors.counting import counting
from studyportal.reading.selectors.sessions import design_of, own_parts
from studyportal.reading.states import ReaderPart, ReadKind, ReadStatus, SessionStatus
from studyportal.sites.selectors import Person


@dataclass(frozen=True)
class OwnList:
    """One part of a person in a session: how far it is, what comes next, and when if it has to wait."""

    part: SessionReader
    done: int
    left: int
    next_read: Read | None
    waits_until: datetime | None
    unprepared: int
    today: int
    recent: tuple[Read, ...]

    @property
    def total(self) -> int:
        """Reads in all, so far as they are known to the reader."""
        return self.done + self.left


def own_reads(part: SessionReader) -> QuerySet[Read]:
    """The reads of this part whose case still counts, in order."""
    rows = Read.objects.filter(counting("case__"), reader=part)
    return rows.select_related("case", "arm", "reader", "reader__session").order_by("place", "pk")


def read_for(user: Person, code: str) -> Read | None:
    """The person's own read with this code; None for anybody else's, and once nothing more is read there."""
    parts = own_parts(user)
    found = Read.objects.filter(counting("case__"), code=code, reader__in=parts)
    return found.select_related("case", "arm", "reader", "reader__session").first()


def own_lists(user: Person) -> list[OwnList]:
    """Every part of the person that still has to do with an open session."""
    return [own_list(part) for part in own_parts(user)]


def own_list(part: SessionReader) -> OwnList:
    """How far this part is."""
    now = clock.now()
    reads = [read for read in own_reads(part) if _open_to(part, read)]
    waiting = [read for read in reads if read.status != ReadStatus.SUBMITTED]
    done = [read for read in reads if read.status == ReadStatus.SUBMITTED]
    prepared = _prepared(part.session, waiting)
    due, waits_until = _due(part, [read for read in waiting if read.case_id in prepared], now=now)
    today = clock.today()
    recent = sorted(done, key=lambda read: read.submitted_at or now, reverse=True)
    return OwnList(
        part=part,
        done=len(done),
        left=len(waiting),
        next_read=due[0] if due else None,
        waits_until=None if due else waits_until,
        unprepared=sum(read.case_id not in prepared for read in waiting),
        today=sum(_local_day(read) == today for read in done),
        recent=tuple(recent[:8]),
    )


def next_reads(part: SessionReader, *, after: Read | None = None, count: int = 1) -> list[Read]:
    """The reads that come next; `after` is left out, so that the page can fetch what follows it."""
    waiting = [
        read
        for read in own_reads(part)
        if read.status != ReadStatus.SUBMITTED
        and _open_to(part, read)
        and (after is None or read.pk != after.pk)
    ]
    prepared = _prepared(part.session, waiting)
    ready = [read for read in waiting if read.case_id in prepared]
    return _due(part, ready, now=clock.now())[0][:count]


def may_be_shown(read: Read) -> bool:
    """Whether its images may be fetched: it is being read, or it is next."""
    if read.status == ReadStatus.IN_PROGRESS:
        return _open_to(read.reader, read)
    if read.status == ReadStatus.SUBMITTED:
        return False
    opened = Read.objects.filter(reader=read.reader, status=ReadStatus.IN_PROGRESS).first()
    return read.pk in {row.pk for row in next_reads(read.reader, after=opened, count=2)}


def hung(read: Read) -> ArmPlan:
    """How the pictures of this read hang."""
    return design_of(read.reader.session).arm(read.arm.code)


def shown_volumes(read: Read) -> list[tuple[str, CaseVolume]]:
    """The images of the read's arm under neutral names: `ct`, `pet`; `left` and `right` of two side by side."""
    rows = {row.layer: row for row in CaseVolume.objects.filter(case=read.case)}
    design = design_of(read.reader.session)
    if design.showing == "side_by_side":
        left = hung(read).shows[0]
        right = next(layer for layer in design.layers if layer != left)
        named = [("left", left), ("right", right)]
    else:
        named = [("ct" if layer == "ct" else "pet", layer) for layer in hung(read).shows]
    return [(name, rows[layer]) for name, layer in named if layer in rows]


def washout_ends(read: Read) -> datetime | None:
    """When the wash-out of this read's case is over for its reader; None when nothing has to be waited for."""
    last = _last_read([read.case.pair_id], read.reader).get(read.case.pair_id)
    design = design_of(read.reader.session)
    if read.corrects_id or read.kind == ReadKind.ADJUDICATION:
        return None
    if washed_out(last, days=design.washout_days, now=clock.now()):
        return None
    return _end(last, design.washout_days)


def _open_to(part: SessionReader, read: Read) -> bool:
    """Whether the stage of the session lets this read go on."""
    if read.status == ReadStatus.SUBMITTED:
        return True
    adjudicates = read.kind == ReadKind.ADJUDICATION
    if part.session.status == SessionStatus.INDEPENDENT:
        return not adjudicates
    return part.session.status == SessionStatus.CONSENSUS and (
        adjudicates and part.part == ReaderPart.ADJUDICATOR
    )


def _prepared(session: ReadingSession, reads: Iterable[Read]) -> set[UUID]:
    """Cases all of whose images were made."""
    wanted = {str(layer) for layer in design_of(session).layers}
    made: dict[UUID, set[str]] = defaultdict(set)
    rows = CaseVolume.objects.filter(case__in={read.case_id for read in reads}).exclude(sha256="")
    for case_id, layer in rows.values_list("case_id", "layer"):
        made[case_id].add(layer)
    return {case_id for case_id, layers in made.items() if wanted <= layers}


def _due(
    part: SessionReader, waiting: list[Read], *, now: datetime
) -> tuple[list[Read], datetime | None]:
    """Reads that may be begun now, in order, and when the next one may if there is none."""
    begun = [read for read in waiting if read.status == ReadStatus.IN_PROGRESS or read.corrects_id]
    fresh = [read for read in waiting if read not in begun]
    if not fresh:
        return begun, None
    days = design_of(part.session).washout_days
    round_now = [read for read in fresh if read.period == fresh[0].period]
    last = _last_read([read.case.pair_id for read in round_now], part)
    due = [
        read
        for read in round_now
        if part.part == ReaderPart.ADJUDICATOR
        or washed_out(last.get(read.case.pair_id), days=days, now=now)
    ]
    ends = [_end(moment, days) for moment in last.values()]
    return [*begun, *due], min((end for end in ends if end), default=None)


def _last_read(pairs: Iterable[UUID], part: SessionReader) -> dict[UUID, datetime]:
    """When the person last submitted each pair, in any arm of any session."""
    rows = Read.objects.filter(
        reader__person=part.person_id, case__pair__in=list(pairs), status=ReadStatus.SUBMITTED
    )
    return dict(rows.order_by().values_list("case__pair").annotate(Max("submitted_at")))


def _end(last: datetime | None, days: int) -> datetime | None:
    return None if last is None else last + timedelta(days=days)


def _local_day(read: Read) -> date | None:
    return timezone.localdate(read.submitted_at) if read.submitted_at else None
