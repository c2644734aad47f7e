"""Verifies the chain of the audit trail, computing every digest anew and outside the database.

Each event has an entry with the SHA-256 of what it said; each transaction is one link over its entries and over the
link before it. So a change anywhere is found here, and named. A cut tail leaves a chain that is whole in itself:
only an anchor that was kept outside shows it (21 CFR 11.10(e), ICH E6(R3) 4.2.2).
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from studyportal.core.models import ChainHead, ChainLink, EventShape, Redaction, TrailEntry
from studyportal.core.tracking import chained_models

_LINKS_AT_ONCE = 500
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
    for links in _links():
        entries = _entries_of(links)
        judged = _judge_events(entry for rows in entries.values() for entry in rows)
        for link in links:
            for missing in range(number + 1, link.number or 0):
                found.note(Fault(missing, "link", "", f"Link {missing} of the chain is missing."))
            own = entries.get(link.pk, [])
            _judge_link(found, link, own, digest)
            for entry in own:
                if fault := judged.get(entry.pk):
                    found.note(Fault(link.number, fault[0], _name(entry), fault[1]))
            found.links += 1
            found.events += len(own)
            number, digest = link.number or 0, link.sha256
        found.redacted += sum(1 for fault in judged.values() if fault is None)
    return number, digest


def _links() -> Iterator[list[ChainLink]]:
    last = 0
    while True:
        rows = list(ChainLink.objects.filter(number__gt=last).order_by("number")[:_LINKS_AT_ONCE])
        if not rows:
            return
        yield rows
        last = rows[-1].number or 0


def _entries_of(links: Sequence[ChainLink]) -> dict[UUID, list[TrailEntry]]:
    entries: dict[UUID, list[TrailEntry]] = defaultdict(list)
    rows = TrailEntry.objects.filter(link__in=[link.pk for link in links])
    for entry in rows.order_by("link", "position"):
        entries[entry.link].append(entry)
    return entries


def _judge_link(
    found: Verification, link: ChainLink, entries: Sequence[TrailEntry], previous: str
) -> None:
    def note(kind: str, event: str, sentence: str) -> None:
        found.note(Fault(link.number, kind, event, sentence))

    places = [entry.position for entry in entries]
    for missing in sorted(set(range(1, (link.entries or 0) + 1)) - set(places)):
        note("entry", "", f"Event {missing} of {link.entries} in link {link.number} is missing.")
    if len(places) > (link.entries or 0):
        note("entry", _name(entries[-1]), f"Link {link.number} holds more events than it sealed.")
    content = _sha256("\n".join(map(_entry_text, entries)))
    if content != link.entries_sha256 and len(places) == link.entries:
        named = _name(entries[0]) if len(entries) == 1 else ""
        note(
            "entry",
            named,
            f"The entries of link {link.number} were changed or put in another order.",
        )
    if link.previous_sha256 != previous:
        note("link", "", f"Link {link.number} does not follow the link before it.")
    if _sha256(_link_text(link)) != link.sha256:
        note("link", "", f"Link {link.number} was changed.")


def _entry_text(entry: TrailEntry) -> str:
    parts = (
        entry.position, _time(entry.at), entry.source, entry.event_id, entry.label, entry.object_id,
        entry.participant_id or "", entry.site_id or "",
        "" if entry.user_id is None else entry.user_id, entry.shape, entry.digest,
    )  # fmt: skip
    return "|".join(map(str, parts))


def _link_text(link: ChainLink) -> str:
    parts = (
        link.previous_sha256, link.number, link.pk, _time(link.opened_at),
        _time(link.sealed_at) if link.sealed_at else "", link.database_role, link.application,
        link.client, link.entries, link.entries_sha256,
    )  # fmt: skip
    return "|".join(map(str, parts))


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _name(entry: TrailEntry) -> str:
    return f"{entry.source} {entry.event_id}"


Judged = dict[int, tuple[str, str] | None]  # entry → its fault; None when it was redacted


def _judge_events(entries: Iterable[TrailEntry]) -> Judged:
    """Compare each event with its entry; those that agree are not named."""
    groups: dict[tuple[str, str], list[TrailEntry]] = defaultdict(list)
    for entry in entries:
        groups[entry.source, entry.shape].append(entry)
    judged: Judged = {}
    for (source, shape), rows in groups.items():
        texts = _texts(source, shape, [entry.event_id for entry in rows])
        differing = []
        for entry in rows:
            text = texts.get(entry.event_id)
            if text is None:
                judged[entry.pk] = ("event", f"The event {_name(entry)} was taken away.")
            elif _sha256(text) != entry.digest:
                differing.append((entry, _sha256(text)))
        judged |= _judge_differing(source, differing)
    return judged


def _judge_differing(source: str, differing: Sequence[tuple[TrailEntry, str]]) -> Judged:
    """Tell what was changed from what was redacted with a record of it."""
    if not differing:
        return {}
    keys = [entry.event_id for entry, _ in differing]
    steps: dict[int, list[Redaction]] = defaultdict(list)
    for row in Redaction.objects.filter(source=source, event_id__in=keys).order_by("id"):
        steps[row.event_id].append(row)
    judged: Judged = {}
    for entry, digest in differing:
        expected = entry.digest
        for step in steps[entry.event_id]:
            expected = step.digest_after if step.digest_before == expected else expected
        changed = expected != digest
        judged[entry.pk] = ("event", f"The event {_name(entry)} was changed.") if changed else None
    return judged


def _texts(source: str, shape: str, keys: list[int]) -> Mapping[int, str]:
    """Each event as text, with the columns that it had when it was written."""
    model: Any = chained_models().get(source)
    if model is None:
        return {}
    key, table = model._meta.pk.column, connection.ops.quote_name(source)
    columns = EventShape.objects.filter(key=shape).values_list("columns", flat=True).first() or ""
    now = ",".join(sorted(field.column for field in model._meta.concrete_fields))
    whole = "to_jsonb(e)"
    if columns != now:
        whole = "(SELECT jsonb_object_agg(k, v) FROM jsonb_each(to_jsonb(e)) AS p(k, v) WHERE k = ANY(%s))"
    params: list[Any] = [keys] if columns == now else [columns.split(","), keys]
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT e."{key}", {whole}::text FROM {table} e WHERE e."{key}" = ANY(%s)',  # noqa: S608 our own tables
            params,
        )
        return dict(cursor.fetchall())


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
        sentence = f"The entry of {_name(entry)} belongs to no sealed link."
        found.note(Fault(None, "entry", _name(entry), sentence))
