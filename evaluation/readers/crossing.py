"""Which readers and cases of reads make a crossed study: every one of these readers read every one of these cases."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Crossing:
    """Readers in the order of their names, and the cases that all of them read; empty where no two share one."""

    readers: tuple[str, ...]
    cases: frozenset[Hashable]

    def holds(self, reads: Iterable[tuple[str, Hashable]]) -> NDArray[np.bool_]:
        """Of each pair of reader and case whether it is in the crossing, shape (n,)."""
        return np.array([r in self.readers and c in self.cases for r, c in reads], dtype=bool)


def largest_crossing(reads: Iterable[tuple[str, Hashable]]) -> Crossing:
    """Return a crossing of at least two readers with the most reads in it.

    ``reads`` are pairs of reader and case. Where everybody read everything it is all of them; a reader who left
    early, or readers of another session with other cases, would otherwise leave next to nothing to compare.
    Around each reader in turn the others are taken in by how many cases they share with that reader, and the
    step with the largest number of readers times cases is kept; of equal ones the one with more readers.
    """
    read: dict[str, set[Hashable]] = {}
    for reader, case in reads:
        read.setdefault(reader, set()).add(case)
    best, most = Crossing((), frozenset()), (0, 0)
    for first in sorted(read):
        for found in _around(first, read):
            size = (len(found.readers) * len(found.cases), len(found.readers))
            if found.cases and size > most:
                best, most = found, size
    return best


def _around(first: str, read: Mapping[str, set[Hashable]]) -> Iterable[Crossing]:
    shared = {reader: len(cases & read[first]) for reader, cases in read.items() if reader != first}
    readers, cases = [first], frozenset(read[first])
    for reader in sorted(shared, key=lambda name: (-shared[name], name)):
        readers, cases = [*readers, reader], cases & read[reader]
        yield Crossing(tuple(sorted(readers)), cases)
