"""Intervals from influence values: what each observation adds to the error of an estimate.

Every smooth function of means has such values (the delta method written observation by
observation). Their squares sum to the usual variance; summed within participants first, they give
the cluster-robust one.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats


@dataclass(frozen=True)
class Spread:
    """Standard error, degrees of freedom (infinite without clusters) and sampling units."""

    se: float
    df: float
    clusters: int

    @property
    def reason(self) -> str:
        """Why no interval can be given; empty when one can."""
        if math.isnan(self.se):
            return "one participant only: the variation between participants is unknown"
        if self.se == 0:
            return "no variation between the observations: no interval"
        return ""

    def half_width(self, level: float) -> float:
        """Half the width of the two-sided interval on the scale of the estimate."""
        return float(stats.t.ppf(0.5 + level / 2, self.df)) * self.se

    def p_value(self, statistic: float) -> float:
        """Two-sided p-value of an estimate divided by its standard error."""
        return float(2 * stats.t.sf(abs(statistic), self.df))


def distinct(codes: NDArray[np.intp]) -> int:
    """Return how many clusters are present; codes are small integers, so nothing is sorted."""
    return int(np.count_nonzero(np.bincount(codes)))


def counts_by_code(
    success: NDArray[np.bool_], codes: NDArray[np.intp]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return successes and totals of each cluster; a code that is absent has a total of 0."""
    totals = np.bincount(codes)
    hits = np.bincount(codes[success], minlength=len(totals))
    return hits.astype(np.int64), totals.astype(np.int64)


def spread(influence: NDArray[np.float64], codes: NDArray[np.intp] | None) -> Spread:
    """Return the standard error of an estimate from its influence values, shape (n,).

    With clusters the variance is ``K / (K - 1) * sum((sum_i influence)^2)`` with K - 1 degrees of
    freedom; with one observation per participant it is the plain sum of squares.
    """
    n = len(influence)
    clusters = n if codes is None else distinct(codes)
    if codes is None or clusters == n:
        return Spread(_root(float(np.sum(influence**2)), influence), math.inf, n)
    if clusters < 2:
        return Spread(math.nan, math.nan, clusters)
    sums = np.bincount(codes, weights=influence)
    variance = clusters / (clusters - 1) * float(np.sum(sums**2))
    return Spread(_root(variance, influence), clusters - 1.0, clusters)


def _root(variance: float, influence: NDArray[np.float64]) -> float:
    # Influence values that cancel leave rounding dust, which must not pass for a variance.
    dust = 1e-24 * max(1.0, float(np.sum(np.abs(influence))) ** 2)
    return math.sqrt(variance) if variance > dust else 0.0
