"""Verifies the chain of the audit trail, computing every digest anew and outside the database.

Each event has an entry with the SHA-256 of what it said; each transaction is one link over its entries and over the
link before it. So a change anywhere is found here, and named. A cut tail leaves a chain that is whole in itself:
only an anchor that was kept outside shows it (21 CFR 11.10(e), ICH E6(R3) 4.2.2).
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from studyportal.core.chain_events import EventReader, entry_name, sha256
from studyportal.core.models import ChainHead, ChainLink, TrailEntry
from studyportal.core.tracking import chained_models

_LINKS_AT_ONCE = 500
_EVENTS_AT_ONCE = 10_000
_SHOWN = 20


@dataclass(frozen=True)
class Fault:
    """One place where the trail is not what it was."""

    link: int | None
    kind: str
    event: str
    sentence: str


@dataclass(frozen=True)
class Anchor:
    """The end of the chain at one moment, kept outside the database."""

    at: datetime
    number: int
    sha256: str


@dataclass
class Verification:
    """What was read and what was found; `faults` holds the first ones, `fault_count` counts all."""

    links: int = 0
    events: int = 0
    redacted: int = 0
    head: Anchor | None = None
    faults: list[Fault] = field(default_factory=list)
    fault_count: int = 0

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return self.fault_count == 0

    def note(self, fault: Fault) -> None:
        self.fault_count += 1
        if len(self.faults) < _SHOWN:
            self.faults.append(fault)


def verify(*, anchors: Iterable[Anchor] = (), moment: datetime) -> Verification:
    """Every link, every entry and every event was read and compared; faults come in the order of the chain."""
    alone = not connection.in_atomic_block
    with transaction.atomic():
        _hold_still(alone=alone)
        found = Verification()
        last = _walk(found)
        _compare_head(found, last, moment)
        for anchor in anchors:
            _compare_anchor(found, anchor)
        _look_beside(found)
    return found


def head(moment: datetime) -> Anchor:
    """The end of the chain now."""
    row = ChainHead.objects.first()
    return Anchor(moment, row.number, row.sha256) if row else Anchor(moment, 0, "")


def _hold_still(*, alone: bool) -> None:
    """All reads see the same moment, and texts are written as they were when they were digested."""
    with connection.cursor() as cursor:
        if alone:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SET LOCAL timezone = 'UTC'")
        cursor.execute("SET LOCAL extra_float_digits = 1")


def _walk(found: Verification) -> tuple[int, str]:
    number, digest = 0, ""
    events = EventReader()
    for links in _batches():
        read = _read_entries(links, events)
        for link in links:
            for missing in range(number + 1, link.number or 0):
                found.note(Fault(missing, "link", "", f"Link {missing} of the chain is missing."))
            own = read[link.pk]
            _judge_link(found, link, own, digest)
            for name, fault in own.faults:
                found.note(Fault(link.number, fault[0], name, fault[1]))
            found.links += 1
            found.events += own.count
            number, digest = link.number or 0, link.sha256
    found.redacted = events.redacted
    return number, digest


def _batches() -> Iterator[list[ChainLink]]:
    """Links in order, as many at once as hold some thousand events, so that memory does not grow with the trail."""
    batch: list[ChainLink] = []
    entries = 0
    for link in ChainLink.objects.filter(number__gt=0).order_by("number").iterator(_LINKS_AT_ONCE):
        batch.append(link)
        entries += link.entries or 0
        if entries >= _EVENTS_AT_ONCE or len(batch) >= _LINKS_AT_ONCE:
            yield batch
            batch, entries = [], 0
    if batch:
        yield batch


class _Own:
    """What the entries of one link are, taken in by their position."""

    def __init__(self) -> None:
        self.count = 0
        self.last = 0
        self.missing: list[int] = []
        self.names = ("", "")  # of the first and of the last
        self.faults: list[tuple[str, tuple[str, str]]] = []
        self._content = hashlib.sha256()

    def add(self, entry: TrailEntry) -> None:
        self.missing += range(self.last + 1, entry.position)
        self.last = entry.position
        name = entry_name(entry)
        self.names = (self.names[0] or name, name)
        self._content.update((("\n" if self.count else "") + _entry_text(entry)).encode())
        self.count += 1

    @property
    def sha256(self) -> str:
        return self._content.hexdigest()


def _read_entries(links: Sequence[ChainLink], events: EventReader) -> dict[UUID, _Own]:
    """Every entry of these links was compared with its event; a link may hold more than fit in memory."""
    read = {link.pk: _Own() for link in links}
    rows = TrailEntry.objects.filter(link__in=list(read)).order_by("link", "position")
    left = rows.iterator(_EVENTS_AT_ONCE)
    while some := list(islice(left, _EVENTS_AT_ONCE)):
        judged = events.judge(some)
        for entry in some:
            own = read[entry.link]
            own.add(entry)
            if fault := judged.get(entry.pk):
                own.faults.append((entry_name(entry), fault))
    return read


def _judge_link(found: Verification, link: ChainLink, own: _Own, previous: str) -> None:
    def note(kind: str, event: str, sentence: str) -> None:
        found.note(Fault(link.number, kind, event, sentence))

    sealed = link.entries or 0
    for missing in (*own.missing, *range(own.last + 1, sealed + 1)):
        note("entry", "", f"Event {missing} of {link.entries} in link {link.number} is missing.")
    if own.count > sealed:
        note("entry", own.names[1], f"Link {link.number} holds more events than it sealed.")
    if own.sha256 != link.entries_sha256 and own.count == link.entries:
        named = own.names[0] if own.count == 1 else ""
        note(
            "entry",
            named,
            f"The entries of link {link.number} were changed or put in another order.",
        )
    if link.previous_sha256 != previous:
        note("link", "", f"Link {link.number} does not follow the link before it.")
    if sha256(_link_text(link)) != link.sha256:
        note("link", "", f"Link {link.number} was changed.")


def _entry_text(entry: TrailEntry) -> str:
    return (
        f"{entry.position}|{_time(entry.at)}|{entry.source}|{entry.event_id}|{entry.label}|{entry.object_id}|"
        f"{entry.participant_id or ''}|{entry.site_id or ''}|"
        f"{'' if entry.user_id is None else entry.user_id}|{entry.shape}|{entry.digest}"
    )


def _link_text(link: ChainLink) -> str:
    parts = (
        link.previous_sha256, link.number, link.pk, _time(link.opened_at),
        _time(link.sealed_at) if link.sealed_at else "", link.database_role, link.application,
        link.client, link.entries, link.entries_sha256,
    )  # fmt: skip
    return "|".join(map(str, parts))


def _time(moment: datetime) -> str:
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.isoformat(timespec="microseconds")[:26]


def _compare_head(found: Verification, last: tuple[int, str], moment: datetime) -> None:
    end = head(moment)
    found.head = end
    if (end.number, end.sha256) != last:
        sentence = f"The head names link {end.number}, but the chain ends with link {last[0]}."
        found.note(Fault(last[0] + 1, "head", "", sentence))


def _compare_anchor(found: Verification, anchor: Anchor) -> None:
    if anchor.number == 0:
        return
    row = ChainLink.objects.filter(number=anchor.number).values_list("sha256", flat=True).first()
    when = f"{anchor.at:%Y-%m-%d %H:%M} UTC"
    if row is None:
        end = found.head.number if found.head else 0
        sentence = (
            f"The anchor of {when} saw link {anchor.number}, but the chain ends with link {end}: "
            f"the trail from link {end + 1} on was cut off, or an older copy was restored."
        )
        found.note(Fault(end + 1, "anchor", "", sentence))
    elif row != anchor.sha256:
        sentence = f"Link {anchor.number} is not the one that the anchor of {when} saw."
        found.note(Fault(anchor.number, "anchor", "", sentence))


def _look_beside(found: Verification) -> None:
    """What stands in the tables and not in the chain: written while the triggers were switched off."""
    for source, model in chained_models().items():
        placed = TrailEntry.objects.filter(source=source, event_id=OuterRef("pk"))
        strays = model._default_manager.filter(~Exists(placed)).order_by("pk")
        for key in strays.values_list("pk", flat=True)[:_SHOWN]:
            found.note(
                Fault(
                    None,
                    "event",
                    f"{source} {key}",
                    f"The event {source} {key} is not in the chain.",
                )
            )
    sealed = ChainLink.objects.filter(pk=OuterRef("link"), number__isnull=False)
    for entry in TrailEntry.objects.filter(~Exists(sealed)).order_by("id")[:_SHOWN]:
        sentence = f"The entry of {entry_name(entry)} belongs to no sealed link."
        found.note(Fault(None, "entry", entry_name(entry), sentence))
