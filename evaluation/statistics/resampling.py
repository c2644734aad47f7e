"""The cluster bootstrap: whole participants are drawn, never their single lesions."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from evaluation.statistics.estimates import (
    DEFAULT_LEVEL,
    Estimate,
    not_estimable,
    require_level,
)

BLOCK = 100
"""Replicates evaluated at once; it bounds memory to ``BLOCK * n`` weights."""

WeightedStatistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Takes weights of shape (replicates, n), gives the statistic of each row, shape (replicates,)."""


def bootstrap(
    statistic: WeightedStatistic,
    cluster: ArrayLike,
    *,
    seed: int,
    replicates: int = 2000,
    method: str = "bca",
    level: float = DEFAULT_LEVEL,
    unit: str = "",
) -> Estimate:
    """Estimate a statistic with a bootstrap interval that resamples clusters.

    Parameters
    ----------
    statistic
        Vectorised over rows of weights: a weight is how often an observation was drawn, so the
        statistic of a row of ones is the estimate itself.
    cluster
        Label of each observation, shape (n,); ``numpy.arange(n)`` for independent observations.
    seed
        Each replicate draws from its own child of this seed, and blocks of replicates have a fixed
        size, so the answer is the same to the last bit however the work is shared out.
    method
        ``bca`` (bias-corrected and accelerated, jackknife over clusters) or ``percentile``.

    Raises
    ------
    ValueError
        For an unknown method or a level outside (0, 1).

    Notes
    -----
    Efron B, J Am Stat Assoc 1987;82:171. Replicates in which the statistic is undefined are left
    out and counted in the flag ``undefined_replicates``.
    """
    require_level(level)
    if method not in {"bca", "percentile"}:
        raise ValueError(f"unknown method {method!r}: choose bca or percentile")
    labels, codes = np.unique(np.asarray(cluster), return_inverse=True)
    n, clusters, name = len(codes), len(labels), f"{method} cluster bootstrap"
    if clusters == 0:
        return not_estimable("no observation", level=level, method=name, unit=unit)
    value = float(statistic(np.ones((1, n)))[0])
    if not np.isfinite(value):
        return not_estimable(
            "the statistic is undefined",
            level=level,
            n=n,
            clusters=clusters,
            method=name,
            unit=unit,
        )
    draws = _replicates(statistic, codes, clusters, seed=seed, replicates=replicates)
    defined = draws[np.isfinite(draws)]
    flags = ("undefined_replicates",) if len(defined) < len(draws) else ()
    if clusters < 2 or len(defined) < 2:
        return Estimate(
            value, None, None, level, n, clusters, 0, name, unit, (*flags, "no_interval"),
            "fewer than two participants: no interval",
        )  # fmt: skip
    tails = _tails(
        statistic, codes, clusters, value=value, draws=defined, bca=method == "bca", level=level
    )
    lower, upper = np.quantile(defined, tails)
    return Estimate(value, float(lower), float(upper), level, n, clusters, 0, name, unit, flags)


def _replicates(
    statistic: WeightedStatistic,
    codes: NDArray[np.intp],
    clusters: int,
    *,
    seed: int,
    replicates: int,
) -> NDArray[np.float64]:
    children = np.random.SeedSequence(seed).spawn(replicates)
    parts = []
    for start in range(0, replicates, BLOCK):
        counts = np.stack(
            [
                np.bincount(
                    np.random.Generator(np.random.PCG64(child)).integers(clusters, size=clusters),
                    minlength=clusters,
                )
                for child in children[start : start + BLOCK]
            ]
        )
        parts.append(statistic(counts[:, codes].astype(float)))
    return np.concatenate(parts)


def _tails(
    statistic: WeightedStatistic,
    codes: NDArray[np.intp],
    clusters: int,
    *,
    value: float,
    draws: NDArray[np.float64],
    bca: bool,
    level: float,
) -> NDArray[np.float64]:
    plain = np.array([(1 - level) / 2, (1 + level) / 2])
    below = (np.sum(draws < value) + 0.5 * np.sum(draws == value)) / len(draws)
    if not bca or not 0 < below < 1:
        return plain
    bias = stats.norm.ppf(below)
    acceleration = _acceleration(statistic, codes, clusters)
    z = bias + stats.norm.ppf(plain)
    return np.asarray(stats.norm.cdf(bias + z / (1 - acceleration * z)))


def _acceleration(statistic: WeightedStatistic, codes: NDArray[np.intp], clusters: int) -> float:
    left_out = []
    for start in range(0, clusters, BLOCK):
        block = np.arange(start, min(start + BLOCK, clusters))
        left_out.append(statistic((codes[None, :] != block[:, None]).astype(float)))
    values = np.concatenate(left_out)
    values = values[np.isfinite(values)]
    deviation = values.mean() - values
    spread = float(np.sum(deviation**2))
    return float(np.sum(deviation**3)) / (6 * spread**1.5) if spread > 0 else 0.0
