"""Who reads what, in which arm and order: drawn from a seed, the same request always gives the same answer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from studyportal.reading.rules.design import Design, Kind
from studyportal.reading.states import ReadKind


@dataclass(frozen=True)
class CaseEntry:
    """A case by its key; cases of one stratum are spread evenly."""

    key: str
    stratum: str


@dataclass(frozen=True)
class Cases:
    """The cases of a session by what they are for."""

    study: tuple[CaseEntry, ...]
    practice: tuple[CaseEntry, ...] = ()
    attention: tuple[CaseEntry, ...] = ()


@dataclass(frozen=True)
class Slot:
    """One read to come: `period` is a round of reading, `block` and `place` give the order within the reader."""

    reader: str
    case: str
    arm: str
    kind: ReadKind
    group: int = 0
    period: int = 0
    block: int = 0
    place: int = 0


def allocate(*, design: Design, readers: Sequence[str], cases: Cases) -> tuple[Slot, ...]:
    """Return every read of every reader, by reader and place.

    In a round of reading a reader meets a case once at most, so that the wash-out can lie between rounds. Over
    the rounds each case is read in every arm; of a visual Turing test there is one round, half of it synthetic.

    Raises
    ------
    ValueError
        When there are fewer readers than groups.
    """
    if len(readers) < design.groups:
        raise ValueError("there are fewer readers than groups")
    rng = np.random.default_rng([design.seed, 0])
    shuffled = [sorted(readers)[index] for index in rng.permutation(len(readers))]
    shares = _dealt(cases.study, design.groups, rng)
    slots: list[Slot] = []
    for number, reader in enumerate(shuffled):
        group = number % design.groups
        own = np.random.default_rng([design.seed, 1 + sorted(readers).index(reader)])
        part = _parts(
            shares[group], design, np.random.default_rng([design.seed, 1_000_000 + group])
        )
        offset = number // design.groups
        slots += _of_reader(
            reader,
            part,
            cases=replace(cases, study=shares[group]),
            design=design,
            offset=offset,
            rng=own,
        )
    group_of = {reader: number % design.groups for number, reader in enumerate(shuffled)}
    placed = [replace(slot, group=group_of[slot.reader]) for slot in slots]
    return tuple(sorted(placed, key=lambda slot: (slot.reader, slot.place)))


def rounds_of(design: Design) -> int:
    """How many rounds of reading there are before repeats."""
    return 1 if design.kind == Kind.TURING else len(design.arms)


def _dealt(
    cases: Sequence[CaseEntry], hands: int, rng: np.random.Generator
) -> list[tuple[CaseEntry, ...]]:
    """Deal the cases into hands, strata spread evenly and no hand larger by more than one."""
    order = rng.permutation(len(cases))
    sorted_cases = sorted((cases[index] for index in order), key=lambda case: case.stratum)
    return [tuple(sorted_cases[hand::hands]) for hand in range(hands)]


def _parts(cases: Sequence[CaseEntry], design: Design, rng: np.random.Generator) -> dict[str, int]:
    """Case → part; parts go through the arms one after the other."""
    hands = _dealt(cases, len(design.arms), rng)
    return {case.key: part for part, hand in enumerate(hands) for case in hand}


def _of_reader(
    reader: str,
    part: dict[str, int],
    *,
    cases: Cases,
    design: Design,
    offset: int,
    rng: np.random.Generator,
) -> list[Slot]:
    arms = [arm.code for arm in design.arms]
    rounds = rounds_of(design)
    slots = [
        Slot(reader, case, arms[(number + period + offset) % len(arms)], ReadKind.INDEPENDENT, period=period)
        for period in range(rounds)
        for case, number in part.items()
    ]  # fmt: skip
    slots += [
        Slot(reader, one.key, arms[(n + offset) % len(arms)], ReadKind.ATTENTION, period=n % rounds)
        for n, one in enumerate(cases.attention)
    ]
    first = [slot for slot in slots if slot.kind == ReadKind.INDEPENDENT and slot.period == 0]
    chosen = rng.choice(len(first), size=min(design.repeats, len(first)), replace=False)
    slots += [
        replace(first[index], kind=ReadKind.REPEAT, period=rounds) for index in sorted(chosen)
    ]
    practice = [
        Slot(reader, one.key, arms[n % len(arms)], ReadKind.PRACTICE)
        for n, one in enumerate(cases.practice)
    ]
    return _placed(practice, slots, design.block_size, rng)


def _placed(
    practice: list[Slot], slots: list[Slot], block_size: int, rng: np.random.Generator
) -> list[Slot]:
    """Practice first, then round by round in blocks that hold the arms in equal shares."""
    ordered, block = list(practice), 0
    for period in sorted({slot.period for slot in slots}):
        waiting: dict[str, list[Slot]] = {}
        of_period = [slot for slot in slots if slot.period == period]
        for index in rng.permutation(len(of_period)):
            waiting.setdefault(of_period[index].arm, []).append(of_period[index])
        while any(waiting.values()):
            block += 1
            taken = _next_block(waiting, block_size)
            ordered += [replace(taken[index], block=block) for index in rng.permutation(len(taken))]
    return [replace(slot, place=place) for place, slot in enumerate(ordered, start=1)]


def _next_block(waiting: dict[str, list[Slot]], size: int) -> list[Slot]:
    """Take the next block: of each arm what its share of the waiting reads is, largest remainders first."""
    left = {arm: len(rows) for arm, rows in waiting.items() if rows}
    size = min(size, sum(left.values()))
    exact = {arm: size * count / sum(left.values()) for arm, count in left.items()}
    quota = {arm: int(share) for arm, share in exact.items()}
    by_rest = sorted(exact, key=lambda arm: (quota[arm] - exact[arm], arm))
    for arm in by_rest[: size - sum(quota.values())]:
        quota[arm] += 1
    return [waiting[arm].pop() for arm in sorted(quota) for _ in range(quota[arm])]
