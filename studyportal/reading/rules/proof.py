"""The printed proof of an allocation: each property that the design promises, looked for in the reads themselves."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from studyportal.reading.rules.allocation import Cases, Slot, rounds_of
from studyportal.reading.rules.design import Design, Kind
from studyportal.reading.states import ReadKind


@dataclass(frozen=True)
class Property:
    """One promise: what it is, whether it holds, and the figures that show it."""

    id: str
    sentence: str
    holds: bool
    figures: str


def allocation_digest(slots: Iterable[Slot]) -> str:
    """SHA-256 over every read in its order; two allocations with one digest are the same."""
    lines = "\n".join(
        f"{s.reader}|{s.place}|{s.period}|{s.block}|{s.case}|{s.arm}|{s.kind}" for s in slots
    )
    return hashlib.sha256(lines.encode()).hexdigest()


def prove(slots: Sequence[Slot], *, design: Design, cases: Cases) -> tuple[Property, ...]:
    """Return every property of the allocation, whether or not it holds."""
    return (
        _once_per_arm(slots, design, cases),
        _apart(slots, design),
        _arms_balanced(slots, design),
        _blocks_balanced(slots, design),
        _orders_differ(slots),
        _counted(slots, ReadKind.REPEAT, "repeats", design.repeats),
        _repeats_fit(slots),
        _counted(slots, ReadKind.ATTENTION, "attention", len(cases.attention)),
        _practice_first(slots, cases),
    )


def _by_reader(slots: Iterable[Slot]) -> dict[str, list[Slot]]:
    found: dict[str, list[Slot]] = defaultdict(list)
    for slot in slots:
        found[slot.reader].append(slot)
    return found


def _once_per_arm(slots: Sequence[Slot], design: Design, cases: Cases) -> Property:
    independent = [slot for slot in slots if slot.kind == ReadKind.INDEPENDENT]
    seen = Counter((slot.reader, slot.case, slot.arm) for slot in independent)
    per_case = Counter((slot.reader, slot.case) for slot in independent)
    wanted = 1 if design.kind == Kind.TURING else len(design.arms)
    covered = {slot.case for slot in independent} == {case.key for case in cases.study}
    holds = covered and set(seen.values()) <= {1} and set(per_case.values()) <= {wanted}
    return Property(
        "once_per_arm",
        "Every reader reads each of the own cases once in every arm; of a visual Turing test in one arm.",
        holds,
        f"{len(per_case)} cases of readers, {len(independent)} reads",
    )


def _apart(slots: Sequence[Slot], design: Design) -> Property:
    met = Counter((s.reader, s.case, s.period) for s in slots if s.kind != ReadKind.PRACTICE)
    together = sum(count > 1 for count in met.values())
    return Property(
        "apart",
        "No reader meets a case twice in one round; the wash-out lies between the rounds.",
        together == 0,
        f"{together} meetings, {design.washout_days} days, {rounds_of(design)} rounds",
    )


def _arms_balanced(slots: Sequence[Slot], design: Design) -> Property:
    largest = 0
    for rows in _by_reader(slots).values():
        counts: dict[int, Counter[str]] = defaultdict(Counter)
        for slot in rows:
            if slot.kind == ReadKind.INDEPENDENT:
                counts[slot.period][slot.arm] += 1
        for counter in counts.values():
            numbers = [counter[arm.code] for arm in design.arms]
            largest = max(largest, max(numbers) - min(numbers))
    allowed = 0 if design.kind == Kind.TURING and design.groups == 1 else 1
    return Property(
        "arms_balanced",
        "In every round a reader reads the arms in equal numbers.",
        largest <= allowed,
        f"largest difference {largest}",
    )


def _blocks_balanced(slots: Sequence[Slot], design: Design) -> Property:
    """A whole block differs from equal shares by what rounding and attention cases bring: two reads at most."""
    largest = 0
    for rows in _by_reader(slots).values():
        blocks: dict[int, Counter[str]] = defaultdict(Counter)
        for slot in rows:
            if slot.block and slot.kind != ReadKind.REPEAT:
                blocks[slot.block][slot.arm] += 1
        for counter in blocks.values():
            if counter.total() == design.block_size:
                numbers = [counter[arm.code] for arm in design.arms]
                largest = max(largest, max(numbers) - min(numbers))
    return Property(
        "blocks_balanced",
        "Every whole block holds the arms in equal shares.",
        largest <= 2,
        f"blocks of {design.block_size}, largest difference {largest}",
    )


def _orders_differ(slots: Sequence[Slot]) -> Property:
    orders = {
        reader: tuple((slot.case, slot.arm) for slot in sorted(rows, key=lambda one: one.place))
        for reader, rows in _by_reader(slots).items()
    }
    longest = max((len(order) for order in orders.values()), default=0)
    different = len(set(orders.values()))
    return Property(
        "orders_differ",
        "No two readers read in the same order.",
        different == len(orders) or longest < 4,
        f"{different} orders of {len(orders)} readers",
    )


def _counted(slots: Sequence[Slot], kind: ReadKind, name: str, wanted: int) -> Property:
    counts = Counter(slot.reader for slot in slots if slot.kind == kind)
    readers = set(_by_reader(slots))
    words = {
        "repeats": "Every reader reads the planned number of cases a second time, unannounced.",
        "attention": "Every reader reads each attention case once.",
    }
    found = sorted({counts[reader] for reader in readers})
    holds = all(number == wanted for number in found)
    if kind == ReadKind.REPEAT:  # a group may own fewer cases than there are repeats
        holds = all(number <= wanted for number in found)
    figures = f"planned {wanted}, found {', '.join(map(str, found))}"
    return Property(name, words[name], holds, figures)


def _repeats_fit(slots: Sequence[Slot]) -> Property:
    first = {(s.reader, s.case, s.arm): s.place for s in slots if s.kind == ReadKind.INDEPENDENT}
    repeats = [slot for slot in slots if slot.kind == ReadKind.REPEAT]
    after = [
        slot
        for slot in repeats
        if first.get((slot.reader, slot.case, slot.arm), slot.place) < slot.place
    ]
    return Property(
        "repeats_fit",
        "A repeat is the same case in the same arm, later than the first read.",
        len(after) == len(repeats),
        f"{len(after)} / {len(repeats)}",
    )


def _practice_first(slots: Sequence[Slot], cases: Cases) -> Property:
    late = 0
    for rows in _by_reader(slots).values():
        practice = [slot.place for slot in rows if slot.kind == ReadKind.PRACTICE]
        late += practice != list(range(1, len(cases.practice) + 1))
    return Property(
        "practice_first",
        "Practice cases come first and are no part of the analysis.",
        late == 0,
        f"{len(cases.practice)} practice cases",
    )
