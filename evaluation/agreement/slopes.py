"""Order statistics of all slopes between pairs of points, without holding the slopes.

Ten thousand points have fifty million slopes. They are made block by block and counted by their
bits, turned so that they sort as numbers do. Each pass narrows the interval that holds a rank to
one bin of 65,536, until few enough slopes are left to be kept and sorted: two passes and a third.
The slopes are those of the definition, division and ties included; only memory is saved.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_Array = NDArray[np.float64]
_Keys = NDArray[np.uint64]

BLOCK = 1 << 17
"""Slopes made at once."""

HELD = 1 << 20
"""Most slopes kept for one rank."""

_BITS = 16
_LAST = (1 << 64) - 1
_SIGN = np.int64(-(1 << 63))


@dataclass(frozen=True)
class SlopeCounts:
    """How many slopes are defined, below -1, exactly -1, below 0 and above 0."""

    total: int
    below: int
    at: int
    falling: int
    rising: int


@dataclass(frozen=True)
class _Interval:
    """Keys from ``first`` to ``last`` with how many slopes lie before and how many inside."""

    first: int
    last: int
    before: int
    inside: int

    @property
    def shift(self) -> int:
        """Bits to drop from the distance to ``first`` for the number of its bin."""
        return max(0, (self.last - self.first).bit_length() - _BITS)

    @property
    def wide(self) -> bool:
        """True while it holds too many different slopes to keep them."""
        return self.inside > HELD and self.first < self.last

    def of(self, keys: _Keys) -> _Keys:
        """Return the keys inside."""
        if (self.first, self.last) == (0, _LAST):
            return keys
        return keys[(keys >= np.uint64(self.first)) & (keys <= np.uint64(self.last))]

    def narrowed(self, counts: NDArray[np.int64], rank: int) -> "_Interval":
        """Return the bin that holds the rank."""
        upto = np.cumsum(counts)
        place = int(np.searchsorted(upto, rank - self.before, side="right"))
        inside = int(counts[place])
        first = self.first + (place << self.shift)
        last = min(self.last, first + (1 << self.shift) - 1)
        return _Interval(first, last, self.before + int(upto[place]) - inside, inside)


def count_slopes(x: _Array, y: _Array) -> SlopeCounts:
    """Count the slopes of all pairs of points that differ; a vertical one is rising."""
    counts = [0] * 5
    for s in _slopes(x, y):
        counts[0] += len(s)
        for k, test in enumerate((s < -1, s == -1, s < 0, s > 0), start=1):
            counts[k] += int(np.count_nonzero(test))
    return SlopeCounts(*counts)


def slopes_at(x: _Array, y: _Array, ranks: Sequence[int], *, total: int) -> _Array:
    """Return the slopes of the given ranks, from 0, among the ``total`` defined ones."""
    places = dict.fromkeys(ranks, _Interval(0, _LAST, 0, total))
    while wide := {place for place in places.values() if place.wide}:
        counts = {place: np.zeros(1 << _BITS, dtype=np.int64) for place in wide}
        for keys in map(_keys, _slopes(x, y)):
            for place in wide:
                bins = (place.of(keys) - np.uint64(place.first)) >> np.uint64(place.shift)
                counts[place] += np.bincount(bins.astype(np.intp), minlength=1 << _BITS)
        places = {
            rank: place.narrowed(counts[place], rank) if place in wide else place
            for rank, place in places.items()
        }
    return _held(x, y, places)[[list(places).index(rank) for rank in ranks]]


def _held(x: _Array, y: _Array, places: dict[int, _Interval]) -> _Array:
    """Return the slope of each rank by sorting the slopes of its interval."""
    kept: dict[_Interval, list[_Keys]] = {
        place: [] for place in places.values() if place.first < place.last
    }
    if kept:
        for keys in map(_keys, _slopes(x, y)):
            for place, parts in kept.items():
                parts.append(place.of(keys))
    in_order = {place: np.sort(np.concatenate(parts)) for place, parts in kept.items()}
    found = [
        int(in_order[place][rank - place.before]) if place in in_order else place.first
        for rank, place in places.items()
    ]
    return _slopes_of_keys(np.array(found, dtype=np.uint64))


def _slopes(x: _Array, y: _Array) -> Iterator[_Array]:
    """Make the slopes of all pairs that differ, block by block."""
    n = len(x)
    rows = max(1, BLOCK // n)
    i, j = np.triu_indices(min(rows, n), 1)
    for start in range(0, n, rows):
        stop = min(start + rows, n)
        if stop - start < rows:
            i, j = np.triu_indices(stop - start, 1)
        yield _slope(x[start + j] - x[start + i], y[start + j] - y[start + i])
        if stop < n:
            yield _slope(
                (x[stop:] - x[start:stop, None]).ravel(), (y[stop:] - y[start:stop, None]).ravel()
            )


def _slope(dx: _Array, dy: _Array) -> _Array:
    vertical = dx == 0
    if not vertical.any():
        return dy / dx
    slopes = np.divide(dy, dx, out=np.full(len(dx), np.inf), where=~vertical)
    return slopes[~(vertical & (dy == 0))]


def _keys(slopes: _Array) -> _Keys:
    """Return integers that sort as the slopes do: negative numbers sort backwards by their bits."""
    bits = slopes.view(np.int64)
    return (bits ^ ((bits >> 63) | _SIGN)).view(np.uint64)


def _slopes_of_keys(keys: _Keys) -> _Array:
    bits = keys.view(np.int64)
    return (bits ^ ((~bits >> 63) | _SIGN)).view(np.float64)
