"""Judgements of several readers on several images, and variances in which both are random."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from evaluation.statistics import Estimate, not_estimable

_Array = NDArray[np.float64]
_METHOD = "two-way cluster-robust t (readers, cases)"


@dataclass(frozen=True)
class Judgements:
    """What each image was, what was said of it, by whom; shape (n,) each, without gaps."""

    truth: NDArray[np.bool_]
    call: NDArray[np.bool_]
    reader: NDArray[Any]
    case: NDArray[Any]
    missing: int

    @property
    def n(self) -> int:
        """Number of judgements."""
        return len(self.truth)

    @property
    def clusters(self) -> int:
        """The smaller of the numbers of readers and cases."""
        return min(len(np.unique(self.reader)), len(np.unique(self.case)))

    def only(self, keep: NDArray[np.bool_]) -> "Judgements":
        """Return the judgements where ``keep`` is true."""
        return Judgements(
            self.truth[keep], self.call[keep], self.reader[keep], self.case[keep], self.missing
        )

    def of_reader(self, name: object) -> "Judgements":
        """Return the judgements of one reader."""
        return self.only(self.reader == name)


def checked_judgements(
    synthetic: ArrayLike, judged: ArrayLike, reader: ArrayLike, case: ArrayLike
) -> Judgements:
    """Return the judgements; those not given (NaN) are left out and counted."""
    truth, call = _zero_one(synthetic, "synthetic"), _zero_one(judged, "judged_synthetic")
    readers, cases = np.asarray(reader), np.asarray(case)
    if not len(truth) == len(call) == len(readers) == len(cases):
        raise ValueError("all four columns must have the same length")
    if np.isnan(truth).any():
        raise ValueError("synthetic: what each image was must be known")
    real, made = (set(cases[truth == kind].tolist()) for kind in (0, 1))
    for name in sorted(map(str, real & made)):
        raise ValueError(f"case {name} is both synthetic and real: give each image its own label")
    keep = ~np.isnan(call)
    return Judgements(
        truth[keep] == 1, call[keep] == 1, readers[keep], cases[keep], int((~keep).sum())
    )


def two_way(j: Judgements, influence: _Array) -> tuple[float, int]:
    """Return the standard error of a sum of influences and its degrees of freedom."""
    of_reader, of_case = _between(influence, j.reader), _between(influence, j.case)
    # Subtracting the judgements counted twice may leave a negative variance in small studies.
    variance = max(of_reader + of_case - float(np.sum(influence**2)), of_reader, of_case)
    return math.sqrt(variance), j.clusters - 1


def pooled(j: Judgements, success: _Array, *, level: float) -> Estimate:
    """Estimate a share over all readers and cases."""
    if j.clusters < 2:
        reason = "fewer than two readers or two cases"
        return not_estimable(
            reason, level=level, n=j.n, clusters=j.clusters, missing=j.missing, method=_METHOD
        )
    value = float(success.mean())
    se, df = two_way(j, (success - value) / j.n)
    if se == 0:
        return Estimate(
            value, None, None, level, j.n, j.clusters, j.missing, _METHOD, flags=("no_interval",),
            reason="all judgements are alike: no variance, no interval",
        )  # fmt: skip
    half = float(stats.t.ppf(0.5 + level / 2, df)) * se
    return Estimate(
        value, max(0.0, value - half), min(1.0, value + half), level, j.n, j.clusters, j.missing,
        _METHOD,
    )  # fmt: skip


def _zero_one(values: ArrayLike, name: str) -> _Array:
    numbers = np.asarray(values, dtype=float)
    if not np.isin(numbers[~np.isnan(numbers)], (0.0, 1.0)).all():
        raise ValueError(f"{name} must be 0 or 1, NaN where there is no judgement")
    return numbers


def _between(influence: _Array, labels: NDArray[Any]) -> float:
    _, codes = np.unique(labels, return_inverse=True)
    sums = np.bincount(codes, weights=influence)
    return len(sums) / (len(sums) - 1) * float(np.sum(sums**2))
