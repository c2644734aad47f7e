"""Pairs of measurements, checked once for every method of agreement."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaluation.statistics import group_codes

_Array = NDArray[np.float64]


@dataclass(frozen=True)
class Pairs:
    """Complete pairs, the participant of each as a code, and how many pairs were left out."""

    x: _Array
    y: _Array
    subject: NDArray[np.intp]
    missing: int

    @property
    def n(self) -> int:
        """Number of complete pairs."""
        return len(self.x)

    @property
    def clusters(self) -> int:
        """Number of participants."""
        return int(self.subject.max()) + 1 if self.n else 0

    @property
    def replicated(self) -> bool:
        """True when a participant has several pairs."""
        return self.clusters < self.n


def complete_pairs(
    x: ArrayLike, y: ArrayLike, subject: ArrayLike | None = None, *, positive: bool = False
) -> Pairs:
    """Return the pairs without NaN; with ``positive`` also without values at or below zero.

    Raises
    ------
    ValueError
        If lengths differ, a value is infinite or a participant's label is missing.
    """
    a, b = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError("x, y and subject must be one-dimensional and have the same length")
    if subject is not None and len(np.asarray(subject)) != len(a):
        raise ValueError("x, y and subject must be one-dimensional and have the same length")
    for name, values in (("x", a), ("y", b)):
        if np.isinf(values).any():
            place = int(np.argmax(np.isinf(values)))
            raise ValueError(
                f"{name} is infinite at place {place}: record it as missing, with its flag"
            )
    keep = ~(np.isnan(a) | np.isnan(b))
    if positive:
        keep &= (a > 0) & (b > 0)
    own = np.arange(len(a)) if subject is None else np.asarray(subject)
    _, codes = group_codes(own[keep], int(keep.sum()), what="subject")
    return Pairs(a[keep], b[keep], codes, int((~keep).sum()))


def constant(values: _Array) -> bool:
    """Return whether all values are equal; a variance of rounding errors would not tell."""
    return len(values) == 0 or bool(np.ptp(values) == 0)
