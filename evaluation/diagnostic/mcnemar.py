"""Tests and intervals of paired calls that disagree: McNemar, Tango, and clustered forms."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

_EXACT_BELOW = 25  # discordant pairs; below, the chi-squared distribution is too rough
_Array = NDArray[np.float64]


def tango_interval(b: int, c: int, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Return Tango's score interval of ``(b - c) / n`` for b and c discordant of n pairs.

    Notes
    -----
    Tango T, Stat Med 1998;17:891.
    """
    if min(b, c) < 0 or b + c > n or n < 1:
        raise ValueError("discordant counts must not be negative nor exceed n")
    z, value = float(stats.norm.ppf(0.5 + level / 2)), (b - c) / n

    def score(difference: float, sign: float) -> float:
        slope = -b - c + (2 * n - b + c) * difference
        root = math.sqrt(max(0.0, slope**2 + 8 * n * c * difference * (1 - difference)))
        variance = n * (2 * (root - slope) / (4 * n) + difference * (1 - difference))
        return b - c - n * difference - sign * z * math.sqrt(max(0.0, variance))

    # At the estimate itself the variance may vanish, which would be taken for a root.
    near = 1e-10
    lower = -1.0 if value == -1 else float(optimize.brentq(score, -1, value - near, args=(1.0,)))
    upper = 1.0 if value == 1 else float(optimize.brentq(score, value + near, 1, args=(-1.0,)))
    return lower, upper


def mcnemar(b: int, c: int, *, method: str = "auto") -> tuple[float | None, float]:
    """Return McNemar's statistic and two-sided p-value of b against c discordant pairs.

    ``method`` is ``exact`` (binomial), ``mid_p``, ``chi2`` (without continuity correction) or
    ``auto``: exact below 25 discordant pairs. Exact methods have no statistic.

    Examples
    --------
    >>> mcnemar(78, 22)[0]
    31.36
    """
    if min(b, c) < 0:
        raise ValueError("discordant counts must not be negative")
    if method == "auto":
        method = "exact" if b + c < _EXACT_BELOW else "chi2"
    if method not in {"exact", "mid_p", "chi2"}:
        raise ValueError(f"unknown method {method!r}: choose auto, exact, mid_p or chi2")
    if b + c == 0:
        return None, 1.0
    if method == "chi2":
        statistic = (b - c) ** 2 / (b + c)
        return statistic, float(stats.chi2.sf(statistic, 1))
    p = 2 * float(stats.binom.cdf(min(b, c), b + c, 0.5))
    if method == "mid_p":
        p -= float(stats.binom.pmf(min(b, c), b + c, 0.5))
    return None, min(1.0, p)


def clustered_mcnemar(
    difference: ArrayLike,
    cluster: ArrayLike,
    *,
    method: str = "obuchowski",
    first: ArrayLike | None = None,
) -> tuple[float | None, float | None]:
    """Return a clustered McNemar statistic (chi-squared, 1 df) and its p-value.

    Both are None where no pair disagrees, where the disagreement within every participant cancels,
    or with a single participant.

    Parameters
    ----------
    difference
        1, 0 or -1 for each unit: first call minus second.
    method
        ``obuchowski`` (variance between participants if the tests are alike), ``yang`` (the mean of
        that and the variance about the difference found), ``durkalski`` (weights participants
        alike) or ``eliasziw`` (McNemar's statistic over a design effect from the intraclass
        correlation of the four cells; one below 0 counts as 0).
    first
        The first call (1/0) of each unit, which ``eliasziw`` needs.

    Notes
    -----
    Obuchowski NA, Stat Med 1998;17:1495; Yang Z et al., Biom J 2010;52:638; Durkalski VL et al.,
    Stat Med 2003;22:2417; Eliasziw M, Donner A, Stat Med 1991;10:1981.
    """
    if method not in {*_STATISTICS, "eliasziw"}:
        names = ", ".join(sorted([*_STATISTICS, "eliasziw"]))
        raise ValueError(f"unknown method {method!r}: choose one of {names}")
    d = np.asarray(difference, dtype=float)
    if not np.isin(d, (-1.0, 0.0, 1.0)).all():
        raise ValueError("a difference of two calls must be -1, 0 or 1")
    labels, codes = np.unique(np.asarray(cluster), return_inverse=True)
    if len(codes) != len(d):
        raise ValueError("difference and cluster must have the same length")
    if len(labels) < 2:
        return None, None
    if method == "eliasziw":
        statistic = _eliasziw(_cells(d, first, codes))
    else:
        sums = np.bincount(codes, weights=d).astype(float)
        statistic = _STATISTICS[method](sums, np.bincount(codes).astype(float))
    return statistic, None if statistic is None else float(stats.chi2.sf(statistic, 1))


def _obuchowski(sums: _Array, _sizes: _Array) -> float | None:
    k = len(sums)
    return _ratio((k - 1) / k * float(sums.sum()) ** 2, float(np.sum(sums**2)))


def _yang(sums: _Array, sizes: _Array) -> float | None:
    k = len(sums)
    about = sums - sizes * sums.sum() / sizes.sum()
    spread = 0.5 * float(np.sum(sums**2) + np.sum(about**2))
    return _ratio((k - 1) / k * float(sums.sum()) ** 2, spread)


def _durkalski(sums: _Array, sizes: _Array) -> float | None:
    means = sums / sizes
    return _ratio(float(means.sum()) ** 2, float(np.sum(means**2)))


_STATISTICS: dict[str, Callable[[_Array, _Array], float | None]] = {
    "obuchowski": _obuchowski,
    "yang": _yang,
    "durkalski": _durkalski,
}


def _ratio(numerator: float, denominator: float) -> float | None:
    return numerator / denominator if denominator > 0 else None


def _cells(difference: _Array, first: ArrayLike | None, codes: NDArray[np.intp]) -> _Array:
    """Count both positive, first only, second only, neither in each cluster, shape (K, 4)."""
    if first is None:
        raise ValueError("eliasziw needs the first call of each unit beside the difference")
    a = np.asarray(first, dtype=float)
    if a.shape != difference.shape or not np.isin(a, (0.0, 1.0)).all():
        raise ValueError("the first call must be 0 or 1 for each unit")
    b = a - difference
    if not np.isin(b, (0.0, 1.0)).all():
        raise ValueError("the first call and the difference contradict each other")
    cells = (a * b, a * (1 - b), (1 - a) * b, (1 - a) * (1 - b))
    return np.stack([np.bincount(codes, weights=cell) for cell in cells], axis=1)


def _eliasziw(cells: _Array) -> float | None:
    discordant = cells[:, 1] + cells[:, 2]
    total = float(discordant.sum())
    if total == 0:
        return None
    statistic = float(cells[:, 1].sum() - cells[:, 2].sum()) ** 2 / total
    correlation = _cell_correlation(cells)
    if correlation <= 0:
        return statistic
    share = total / cells.sum()
    among_discordant = 1 / (1 + share * (1 - correlation) / correlation)
    # The paper's average size S0 + Kd (mean - S0) of the discordant clusters, simplified.
    size = float(np.sum(discordant**2)) / total
    return statistic / (1 + (size - 1) * among_discordant)


def _cell_correlation(cells: _Array) -> float:
    """Return the intraclass correlation of the four cells, pooled, by analysis of variance."""
    sizes = cells.sum(axis=1)
    k, mean = len(sizes), float(sizes.mean())
    if mean == 1:
        return 0.0
    expected = sizes[:, None] * cells.sum(axis=0) / sizes.sum()
    between = float(np.sum((cells - expected) ** 2 / sizes[:, None])) / k
    within = float(np.sum(cells * (sizes[:, None] - cells) / sizes[:, None])) / (k * (mean - 1))
    base = mean - float(np.sum((sizes - mean) ** 2)) / (k * (k - 1) * mean)
    return (between - within) / (between + (base - 1) * within)
