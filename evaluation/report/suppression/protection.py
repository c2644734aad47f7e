"""Which counts must be hidden so that no small one can be worked out from the others."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

Cell = tuple[Hashable, str]
"""What is counted, and in which subgroup."""

_LARGE = 60
_RANDOM_DIRECTIONS = 10
Preference = Callable[[Cell], tuple[object, ...]]


@dataclass(frozen=True)
class Relation:
    """What everybody knows: the parts and a known number add up to the total."""

    parts: tuple[Cell, ...]
    total: Cell
    known: int = 0

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Parts and total."""
        return (*self.parts, self.total)


def hidden_cells(
    counts: Mapping[Cell, int],
    relations: Sequence[Relation],
    *,
    below: int,
    preference: Preference,
) -> frozenset[Cell]:
    """Return the cells to hide: small ones, and others that would give a small one away.

    Parameters
    ----------
    counts
        Every printed count.
    relations
        What the counts have to do with each other.
    below
        A count from 1 to ``below - 1`` is small; nobody is no small cell.
    preference
        Which cell to give up first, by the least key.

    Notes
    -----
    Hidden counts are known to be whole and not negative. They are safe when (1) the equations, with
    that knowledge, leave every small one at least two values, and (2) hidden parts of a known total
    come to ``below`` or more, since their sum is known. Complementary suppression hides the least
    preferred visible cell of an equation that gives too much away, until none does.
    """
    search = _Search(counts, relations, below, preference)
    while search.mend_one_equation() or search.mend_several_equations():
        pass
    return frozenset(search.hidden)


class _Search:
    def __init__(
        self,
        counts: Mapping[Cell, int],
        relations: Sequence[Relation],
        below: int,
        preference: Preference,
    ) -> None:
        self.counts, self.below, self.preference = counts, below, preference
        self.hidden: set[Cell] = set()
        self.about: dict[Cell, list[Relation]] = defaultdict(list)
        self.suspect: dict[Relation, None] = {}
        self.safe: set[frozenset[Cell]] = set()
        for relation in relations:
            for cell in relation.cells:
                self.about[cell].append(relation)
        self.small = [cell for cell, count in counts.items() if 0 < count < below]
        for cell in self.small:
            self.hide(cell)

    def hide(self, cell: Cell) -> None:
        self.hidden.add(cell)
        self.suspect |= dict.fromkeys(self.about[cell])

    def give_up(self, relations: Sequence[Relation]) -> bool:
        """Hide one more visible cell of the relations; False where none is left."""
        visible = {cell for relation in relations for cell in relation.cells} - self.hidden
        if visible:
            self.hide(min(visible, key=self.preference))
        return bool(visible)

    def mend_one_equation(self) -> bool:
        while self.suspect:
            relation = next(iter(self.suspect))
            if self.tells_too_much(relation) and self.give_up([relation]):
                return True
            del self.suspect[relation]
        return False

    def tells_too_much(self, relation: Relation) -> bool:
        """Whether one equation alone gives a hidden count, or a small sum of hidden ones."""
        gone = [cell for cell in relation.cells if cell in self.hidden]
        if len(gone) == 1:
            return self.counts[gone[0]] > 0
        return relation.total not in self.hidden and (
            0 < sum(self.counts[cell] for cell in gone) < self.below
        )

    def mend_several_equations(self) -> bool:
        for unknown, relations in self.systems():
            key = frozenset(unknown)
            if key in self.safe:
                continue
            told = _determined(self.counts, relations, unknown, self.small)
            # A large system is not solved again for each cell: half of them are helped at once.
            share = 1 if len(unknown) <= _LARGE else (len(told) + 1) // 2
            helped = [
                self.give_up(self.about[cell]) or self.give_up(relations) for cell in told[:share]
            ]
            if any(helped):
                return True
            self.safe.add(key)
        return False

    def systems(self) -> Iterator[tuple[list[Cell], list[Relation]]]:
        """Yield the hidden cells in groups that share equations, with those equations."""
        left = dict.fromkeys(cell for cell in self.hidden if self.about[cell])
        while left:
            unknown: dict[Cell, None] = {}
            relations: dict[Relation, None] = {}
            front = [next(iter(left))]
            while front:
                cell = front.pop()
                if cell in unknown:
                    continue
                unknown[cell] = None
                left.pop(cell, None)
                relations |= dict.fromkeys(self.about[cell])
                near = (c for relation in self.about[cell] for c in relation.cells)
                front += [c for c in near if c in self.hidden and c not in unknown]
            yield list(unknown), list(relations)


def _determined(
    counts: Mapping[Cell, int],
    relations: Sequence[Relation],
    unknown: Sequence[Cell],
    small: Sequence[Cell],
) -> list[Cell]:
    """Return the small cells whose value follows from what is visible.

    In large systems a cell that no other solution was found for counts as determined: that hides a
    little too much, never too little.
    """
    place = {cell: i for i, cell in enumerate(unknown)}
    a = np.zeros((len(relations), len(unknown)))
    for line, relation in zip(a, relations, strict=True):
        for part in relation.parts:
            if part in place:
                line[place[part]] += 1
        if relation.total in place:
            line[place[relation.total]] -= 1
    true = np.array([counts[cell] for cell in unknown], dtype=float)
    doubtful = {place[cell]: cell for cell in small if cell in place}
    for cost in _directions(len(unknown), list(doubtful)):
        # One other solution clears every count that differs in it.
        if doubtful:
            other = _solution(a, true, cost)
            doubtful = {i: c for i, c in doubtful.items() if abs(other[i] - true[i]) < 0.5}
    return list(doubtful.values())


def _directions(size: int, doubtful: Sequence[int]) -> Iterator[NDArray[np.float64]]:
    yield np.ones(size)
    yield -np.ones(size)
    generator = np.random.Generator(np.random.PCG64(size))
    for _ in range(_RANDOM_DIRECTIONS):
        yield generator.normal(size=size)
    for i in doubtful if size <= _LARGE else ():
        yield from np.outer((1.0, -1.0), np.arange(size) == i)


def _solution(
    a: NDArray[np.float64], true: NDArray[np.float64], cost: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return counts, none negative, that fit what is visible and are least by ``cost``."""
    found = optimize.linprog(
        cost, A_eq=a, b_eq=a @ true, bounds=(0, 2 * true.max() + 10), method="highs"
    )
    # The true counts solve the equations: only rounding can make the solver give up.
    return np.asarray(found.x) if found.status == 0 else true
