"""Means and quantiles of independent observations, one per participant."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from evaluation.statistics.estimates import (
    DEFAULT_LEVEL,
    Estimate,
    not_estimable,
    require_level,
)
from evaluation.statistics.grouping import group_codes


def mean_interval(values: ArrayLike, *, level: float = DEFAULT_LEVEL, unit: str = "") -> Estimate:
    """Estimate a mean with Student's t interval; NaN counts as missing.

    Values that are all equal have an interval of length zero, flagged ``no_variation``.

    Examples
    --------
    >>> e = mean_interval([1.0, 2.0, 3.0])
    >>> e.value, round(e.lower, 3), e.n
    (2.0, -0.484, 3)
    """
    require_level(level)
    x, missing = present(values)
    n = len(x)
    if n == 0:
        return not_estimable("no observation", level=level, missing=missing, method="t", unit=unit)
    mean = float(x.mean())
    if n == 1:
        return Estimate(
            mean, None, None, level, 1, 1, missing, "t", unit, ("one_observation",),
            "one participant only: the variation between participants is unknown",
        )  # fmt: skip
    sd = 0.0 if np.ptp(x) == 0 else float(x.std(ddof=1))
    half = float(stats.t.ppf(0.5 + level / 2, n - 1)) * sd / math.sqrt(n)
    flags = () if sd > 0 else ("no_variation",)
    return Estimate(mean, mean - half, mean + half, level, n, n, missing, "t", unit, flags)


def clustered_mean(
    values: ArrayLike, cluster: ArrayLike, *, level: float = DEFAULT_LEVEL, unit: str = ""
) -> Estimate:
    """Estimate the mean of clustered observations with a cluster-robust t interval.

    The mean weights each observation alike; its variance comes from the cluster sums of residuals,
    ``K / (K - 1) * sum((sum_i e)^2) / n^2``, with K - 1 degrees of freedom.

    Raises
    ------
    ValueError
        If lengths differ, a value is infinite or a label is missing.
    """
    require_level(level)
    given = np.asarray(values, dtype=float)
    x, missing = present(given)
    labels = np.asarray(cluster)
    if given.ndim != 1 or labels.shape != given.shape:
        raise ValueError("values and cluster must be one-dimensional and of the same length")
    distinct, codes = group_codes(labels[~np.isnan(given)], len(x))
    n, clusters = len(x), len(distinct)
    if clusters == n:
        return replace(mean_interval(x, level=level, unit=unit), missing=missing)
    mean, name = float(x.mean()), "cluster-robust t"
    if clusters < 2:
        return Estimate(
            mean, None, None, level, n, clusters, missing, name, unit, ("one_cluster",),
            "fewer than two participants: no interval",
        )  # fmt: skip
    sums = np.bincount(codes, weights=x - mean)
    variance = clusters / (clusters - 1) * float(np.sum(sums**2)) / n**2
    if np.ptp(x) == 0:
        variance = 0.0
    half = float(stats.t.ppf(0.5 + level / 2, clusters - 1)) * math.sqrt(variance)
    flags = () if variance > 0 else ("no_variation",)
    return Estimate(mean, mean - half, mean + half, level, n, clusters, missing, name, unit, flags)


def quantile_intervals(
    values: ArrayLike,
    probabilities: Sequence[float],
    *,
    level: float = DEFAULT_LEVEL,
    unit: str = "",
) -> tuple[Estimate, ...]:
    """Estimate quantiles with distribution-free intervals from order statistics.

    The point estimate interpolates linearly (Hyndman-Fan type 7); the interval takes the order
    statistics whose binomial coverage is at least ``level``. Where the sample is too small for
    such an order statistic the bounds are None, with the reason.
    """
    require_level(level)
    if any(not 0 < p < 1 for p in probabilities):
        raise ValueError("probabilities must lie strictly between 0 and 1")
    x, missing = present(values)
    x = np.sort(x)
    return tuple(_quantile(x, p, missing=missing, level=level, unit=unit) for p in probabilities)


def present(values: ArrayLike) -> tuple[NDArray[np.float64], int]:
    """Return the finite values and how many were not; refuse infinities.

    Raises
    ------
    ValueError
        If a value is infinite: an infinite PSNR must be stored as missing with its flag.
    """
    x = np.asarray(values, dtype=float).ravel()
    if np.isinf(x).any():
        raise ValueError("a value is infinite: record it as missing, with its flag")
    keep = ~np.isnan(x)
    return x[keep], int((~keep).sum())


def _quantile(
    x: NDArray[np.float64], p: float, *, missing: int, level: float, unit: str
) -> Estimate:
    n, method = len(x), "order statistics"
    if n == 0:
        return not_estimable(
            "no observation", level=level, missing=missing, method=method, unit=unit
        )
    value = float(np.quantile(x, p))
    low = int(stats.binom.ppf((1 - level) / 2, n, p))
    high = int(stats.binom.ppf((1 + level) / 2, n, p)) + 1
    if low < 1 or high > n:
        return Estimate(
            value, None, None, level, n, n, missing, method, unit, ("no_interval",),
            "too few observations for an interval of this quantile",
        )  # fmt: skip
    return Estimate(
        value, float(x[low - 1]), float(x[high - 1]), level, n, n, missing, method, unit
    )
