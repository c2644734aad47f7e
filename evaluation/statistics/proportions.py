"""Intervals of proportions, one observation per participant or several."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from evaluation.statistics.binomial import BOUNDS, wilson
from evaluation.statistics.estimates import (
    DEFAULT_LEVEL,
    Estimate,
    not_estimable,
    require_level,
)
from evaluation.statistics.grouping import group_codes


def proportion_interval(
    successes: int,
    n: int,
    *,
    method: str = "wilson",
    level: float = DEFAULT_LEVEL,
    missing: int = 0,
) -> Estimate:
    """Estimate a binomial proportion with a two-sided interval.

    Parameters
    ----------
    successes, n
        Counts with ``0 <= successes <= n``.
    method
        ``wilson`` (score), ``wilson_cc`` (score with continuity correction),
        ``clopper_pearson`` (exact) or ``logit`` (normal on the logit scale; without an interval
        at 0 and n, where the logit is infinite).
    level
        Confidence level.
    missing
        Observations left out, carried through to the result.

    Raises
    ------
    ValueError
        For impossible counts, an unknown method or a level outside (0, 1).

    Notes
    -----
    Newcombe RG, Statistics in Medicine 1998;17:857, methods 3, 4 and 5; Agresti A, Categorical
    Data Analysis, 3rd ed. 2013, 3.1 for the logit: ``logit(p) +- z / sqrt(n p (1 - p))``.

    Examples
    --------
    >>> e = proportion_interval(81, 263)
    >>> round(e.value, 4), round(e.lower, 4), round(e.upper, 4)
    (0.308, 0.2553, 0.3662)
    """
    require_level(level)
    if not 0 <= successes <= n:
        raise ValueError(f"successes must lie between 0 and n, not {successes} of {n}")
    if method not in BOUNDS:
        raise ValueError(f"unknown method {method!r}: choose one of {', '.join(sorted(BOUNDS))}")
    if n == 0:
        return not_estimable("no observation", level=level, missing=missing, method=method)
    boundary = successes in (0, n)
    if boundary and method == "logit":
        return Estimate(
            successes / n, None, None, level, n, n, missing, method,
            flags=("boundary", "no_interval"),
            reason=f"the logit of {successes} of {n} is infinite: no interval by this method",
        )  # fmt: skip
    lower, upper = BOUNDS[method](successes, n, level)
    flags = ("boundary",) if boundary else ()
    return Estimate(successes / n, lower, upper, level, n, n, missing, method, flags=flags)


def clustered_proportion(
    successes_by_cluster: Sequence[int] | NDArray,
    totals_by_cluster: Sequence[int] | NDArray,
    *,
    level: float = DEFAULT_LEVEL,
    missing: int = 0,
) -> Estimate:
    """Estimate a proportion from clusters of correlated observations.

    The ratio estimator ``p = sum(x) / sum(m)`` has the between-cluster variance
    ``K / (K - 1) * sum((x - p m)^2) / sum(m)^2``; the interval is symmetric on the logit scale
    with K - 1 degrees of freedom, so it stays inside (0, 1).

    Clusters without observations are ignored. When every cluster holds one observation the answer
    is the Wilson interval. When the variance cannot be estimated (proportion 0 or 1, or every
    cluster with the same proportion) the number of clusters stands for the sample size, which is
    conservative, and the result is flagged.

    Raises
    ------
    ValueError
        For unequal lengths or impossible counts.

    Notes
    -----
    Rao JNK, Scott AJ, Biometrics 1992;48:577; Donner A, Klar N, 1993, for the logit scale.
    """
    require_level(level)
    x, m = _checked_counts(successes_by_cluster, totals_by_cluster)
    successes, n, clusters = int(x.sum()), int(m.sum()), len(m)
    if n == 0:
        return not_estimable("no observation", level=level, missing=missing)
    if clusters == n:
        return proportion_interval(successes, n, level=level, missing=missing)
    p = successes / n
    if clusters == 1:
        return Estimate(
            p, None, None, level, n, 1, missing, "ratio estimator", flags=("one_cluster",),
            reason="one participant only: the variation between participants is unknown",
        )  # fmt: skip
    variance = clusters / (clusters - 1) * float(np.sum((x - p * m) ** 2)) / n**2
    if successes in (0, n) or variance == 0:
        return _by_clusters(p, n, clusters, missing=missing, level=level)
    half = float(stats.t.ppf(0.5 + level / 2, clusters - 1)) * math.sqrt(variance) / (p * (1 - p))
    centre = math.log(p / (1 - p))
    lower, upper = float(special.expit(centre - half)), float(special.expit(centre + half))
    return Estimate(
        p, lower, upper, level, n, clusters, missing, "cluster-robust logit (participants)"
    )


def count_by_cluster(
    success: ArrayLike, cluster: ArrayLike
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return successes and totals for each distinct cluster, in sorted order of the labels.

    Raises
    ------
    ValueError
        If an outcome is neither 0 nor 1, lengths differ or a label is missing.
    """
    given = np.asarray(success)
    if given.ndim != 1 or not np.isin(given, (0, 1)).all():
        raise ValueError("each outcome must be 0 or 1")
    outcome = given.astype(np.int64)
    _, codes = group_codes(cluster, len(outcome))
    totals = np.bincount(codes)
    return np.bincount(codes, weights=outcome, minlength=len(totals)).astype(np.int64), totals


def _checked_counts(
    successes: ArrayLike, totals: ArrayLike
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    given = [np.asarray(a) for a in (successes, totals)]
    if not all(np.all(np.abs(a) < 2**53) and np.all(a == np.rint(a)) for a in given):
        raise ValueError("counts must be whole numbers")
    x, m = (a.astype(np.int64) for a in given)
    if x.shape != m.shape or x.ndim != 1:
        raise ValueError("successes and totals must be one-dimensional and of the same length")
    if np.any(x < 0) or np.any(x > m):
        raise ValueError("each cluster needs 0 <= successes <= total")
    return x[m > 0], m[m > 0]


def _by_clusters(p: float, n: int, clusters: int, *, missing: int, level: float) -> Estimate:
    if p in (0.0, 1.0):
        exact = proportion_interval(
            int(p) * clusters, clusters, method="clopper_pearson", level=level
        )
        return replace(
            exact, n=n, missing=missing, method="clopper_pearson (number of participants)"
        )
    lower, upper = wilson(p * clusters, clusters, level)
    return Estimate(
        p, lower, upper, level, n, clusters, missing, "wilson (number of participants)",
        flags=("no_between_cluster_variance",),
    )  # fmt: skip
