"""Two index tests read on the same units: differences of sensitivity and specificity."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

from evaluation.statistics import DEFAULT_LEVEL, Comparison, clustered_mean, require_level

_EXACT_BELOW = 25  # discordant pairs; below, the chi-squared distribution is too rough


@dataclass(frozen=True)
class PairedAccuracy:
    """Differences ``a - b``: of sensitivity among positives, of specificity among negatives."""

    sensitivity: Comparison
    specificity: Comparison


def compare_paired(
    truth: ArrayLike,
    call_a: ArrayLike,
    call_b: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    level: float = DEFAULT_LEVEL,
) -> PairedAccuracy:
    """Compare two positive/negative calls against the same reference standard.

    Parameters
    ----------
    truth, call_a, call_b
        1/0, NaN where missing, shape (n,); units with a gap are left out and counted.
    cluster
        Participant of each unit.

    Returns
    -------
    PairedAccuracy
        Without clusters: Tango's score interval; McNemar's test, exact below 25 discordant pairs.
        With clusters: cluster-robust t interval; Obuchowski's clustered McNemar test.

    Notes
    -----
    Tango T, Stat Med 1998;17:891; Obuchowski NA, Stat Med 1998;17:1495.
    """
    require_level(level)
    y, a, b = (np.asarray(v, dtype=float) for v in (truth, call_a, call_b))
    group = np.arange(len(y)) if cluster is None else np.asarray(cluster)
    if not len(y) == len(a) == len(b) == len(group):
        raise ValueError("truth, calls and cluster must have the same length")
    for v in (y, a, b):
        if not np.isin(v[~np.isnan(v)], (0.0, 1.0)).all():
            raise ValueError("truth and calls must be 0 or 1, NaN where missing")
    keep = ~(np.isnan(y) | np.isnan(a) | np.isnan(b))
    missing = int((~keep).sum())
    difference, positive, group = (a - b)[keep], y[keep] == 1, group[keep]
    return PairedAccuracy(
        _compared(
            difference[positive], group[positive], missing=missing, level=level,
            empty="no observation has the target condition",
        ),
        _compared(
            -difference[~positive], group[~positive], missing=missing, level=level,
            empty="there is no negative case",
        ),
    )  # fmt: skip


def tango_interval(b: int, c: int, n: int, *, level: float = DEFAULT_LEVEL) -> tuple[float, float]:
    """Return Tango's score interval of ``(b - c) / n`` for b and c discordant of n pairs."""
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
    if method == "auto":
        method = "exact" if b + c < _EXACT_BELOW else "chi2"
    if b + c == 0:
        return None, 1.0
    if method == "chi2":
        statistic = (b - c) ** 2 / (b + c)
        return statistic, float(stats.chi2.sf(statistic, 1))
    if method not in {"exact", "mid_p"}:
        raise ValueError(f"unknown method {method!r}: choose auto, exact, mid_p or chi2")
    p = 2 * float(stats.binom.cdf(min(b, c), b + c, 0.5))
    if method == "mid_p":
        p -= float(stats.binom.pmf(min(b, c), b + c, 0.5))
    return None, min(1.0, p)


def clustered_mcnemar(
    difference: ArrayLike, cluster: ArrayLike, *, method: str = "obuchowski"
) -> tuple[float | None, float | None]:
    """Return a clustered McNemar statistic (chi-squared, 1 df) and its p-value.

    Parameters
    ----------
    difference
        1, 0 or -1 for each unit: first call minus second.
    method
        ``obuchowski`` (1998) or ``durkalski`` (2003, weights participants alike).
    """
    if method not in {"obuchowski", "durkalski"}:
        raise ValueError(f"unknown method {method!r}: choose obuchowski or durkalski")
    labels, codes, sizes = np.unique(np.asarray(cluster), return_inverse=True, return_counts=True)
    k = len(labels)
    weights = np.asarray(difference, dtype=float)
    sums = np.bincount(codes, weights=weights, minlength=k).astype(float)
    sums = sums / (sizes if method == "durkalski" else 1.0)
    spread = float(np.sum(sums**2))
    if k < 2 or spread == 0:
        return None, None
    statistic = float(sums.sum()) ** 2 / spread
    if method == "obuchowski":
        statistic *= (k - 1) / k
    return statistic, float(stats.chi2.sf(statistic, 1))


def _compared(
    difference: NDArray[np.float64], group: NDArray, *, missing: int, level: float, empty: str
) -> Comparison:
    n, clusters = len(difference), len(np.unique(group))
    if n == 0:
        return Comparison(
            None, None, None, level, 0, 0, missing, "none", flags=("not_estimable",), reason=empty
        )
    b, c = int((difference == 1).sum()), int((difference == -1).sum())
    if clusters == n:
        statistic, p = mcnemar(b, c)
        kind = "chi-squared" if statistic is not None else "exact"
        return Comparison(
            (b - c) / n, *tango_interval(b, c, n, level=level), level, n, n, missing,
            f"Tango, McNemar {kind}", statistic=statistic, p_value=p,
        )  # fmt: skip
    e = clustered_mean(difference, group, level=level)
    chi2, p_value = clustered_mcnemar(difference, group)
    if b + c == 0:
        # An interval of width zero would claim to know what was never observed.
        e = replace(e, lower=None, upper=None, reason="no discordant pair: no interval")
    return Comparison(
        e.value, e.lower, e.upper, level, n, clusters, missing,
        f"{e.method}, McNemar by Obuchowski 1998", reason=e.reason, statistic=chi2, p_value=p_value,
    )  # fmt: skip
