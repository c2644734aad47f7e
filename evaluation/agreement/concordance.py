"""Concordance, correlation and the share within a tolerance."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from evaluation.statistics import (
    DEFAULT_LEVEL,
    Estimate,
    bootstrap,
    clustered_proportion,
    count_by_cluster,
    not_estimable,
    require_level,
)


def lin_ccc(
    x: ArrayLike,
    y: ArrayLike,
    *,
    subject: ArrayLike | None = None,
    level: float = DEFAULT_LEVEL,
    seed: int | None = None,
    replicates: int = 2000,
) -> Estimate:
    """Estimate Lin's concordance correlation coefficient.

    ``ccc = 2 s_xy / (s_x^2 + s_y^2 + (mean_x - mean_y)^2)`` with divisor n. The interval uses
    Fisher's z and Lin's variance; with several pairs of a participant a cluster bootstrap.

    Parameters
    ----------
    subject
        Participant of each pair; when one has several, ``seed`` is required.

    Raises
    ------
    ValueError
        If lengths differ, or clustered pairs come without a seed.

    Notes
    -----
    Lin LI, Biometrics 1989;45:255, with the correction of 2000;56:324.
    """
    require_level(level)
    a, b, group, missing = _pairs(x, y, subject)
    n, clusters = len(a), len(np.unique(group))
    if n < 4 or a.var() + b.var() == 0:
        reason = "fewer than four pairs" if n < 4 else "all values are equal"
        return not_estimable(
            reason, level=level, n=n, clusters=clusters, missing=missing, method="Lin CCC"
        )
    if clusters < n:
        if seed is None:
            raise ValueError("several pairs per participant: give a seed for the bootstrap")
        e = bootstrap(
            lambda w: weighted_ccc(a, b, w), group, seed=seed, replicates=replicates, level=level
        )
        return Estimate(
            e.value, e.lower, e.upper, level, n, clusters, missing, f"Lin CCC, {e.method}",
            flags=e.flags, reason=e.reason,
        )  # fmt: skip
    return _fisher_ccc(a, b, missing=missing, level=level)


def weighted_ccc(
    x: NDArray[np.float64], y: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return Lin's coefficient for each row of weights, shape (replicates, n) to (replicates,)."""
    total = weights.sum(axis=1)
    # Centring first keeps the second moments free of cancellation.
    u, v = x - x.mean(), y - x.mean()
    mx, my = _weighted_sums(weights, u) / total, _weighted_sums(weights, v) / total
    vx, vy = (
        _weighted_sums(weights, u**2) / total - mx**2,
        _weighted_sums(weights, v**2) / total - my**2,
    )
    cov = _weighted_sums(weights, u * v) / total - mx * my
    scale = vx + vy + (mx - my) ** 2
    return np.divide(2 * cov, scale, out=np.full(len(total), np.nan), where=scale > 0)


def _weighted_sums(weights: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    # Not a matrix product: BLAS rounds a row differently when it stands among other rows.
    return np.einsum("rn,n->r", weights, x)


def correlation(
    x: ArrayLike, y: ArrayLike, *, method: str = "pearson", level: float = DEFAULT_LEVEL
) -> Estimate:
    """Estimate a correlation with Fisher's z interval; it describes, it is not agreement.

    ``method`` is ``pearson`` or ``spearman``; the latter takes the variance
    ``(1 + r^2 / 2) / (n - 3)`` of Bonett and Wright (Psychometrika 2000;65:23).
    """
    require_level(level)
    if method not in {"pearson", "spearman"}:
        raise ValueError(f"unknown method {method!r}: choose pearson or spearman")
    a, b, _, missing = _pairs(x, y, None)
    n, name = len(a), f"{method}, Fisher z"
    if n < 4 or np.ptp(a) == 0 or np.ptp(b) == 0:
        reason = "fewer than four pairs" if n < 4 else "one variable is constant"
        return not_estimable(reason, level=level, n=n, clusters=n, missing=missing, method=name)
    if method == "spearman":
        a, b = stats.rankdata(a), stats.rankdata(b)
    r = float(np.clip(np.corrcoef(a, b)[0, 1], -1, 1))
    if abs(r) > 1 - 1e-15:
        return Estimate(
            r, None, None, level, n, n, missing, name, flags=("perfect",),
            reason="perfect correlation: no interval",
        )  # fmt: skip
    variance = (1.0 + (r * r / 2 if method == "spearman" else 0.0)) / (n - 3)
    half = float(stats.norm.ppf(0.5 + level / 2)) * math.sqrt(variance)
    z = math.atanh(r)
    return Estimate(r, math.tanh(z - half), math.tanh(z + half), level, n, n, missing, name)


def within_tolerance(
    x: ArrayLike,
    y: ArrayLike,
    *,
    absolute: float | None = None,
    relative: float | None = None,
    subject: ArrayLike | None = None,
    level: float = DEFAULT_LEVEL,
) -> Estimate:
    """Estimate the share of pairs with ``|y - x|`` within a tolerance stated beforehand.

    Give exactly one of ``absolute`` (in the unit of x) and ``relative`` (a fraction of ``|x|``).
    """
    if (absolute is None) == (relative is None):
        raise ValueError("give exactly one of absolute and relative")
    a, b, group, missing = _pairs(x, y, subject)
    bound = np.full(len(a), absolute) if relative is None else relative * np.abs(a)
    inside = np.abs(b - a) <= bound
    successes, totals = count_by_cluster(inside, group)
    return clustered_proportion(successes, totals, level=level, missing=missing)


def _pairs(
    x: ArrayLike, y: ArrayLike, subject: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray, int]:
    a, b = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    group = np.arange(len(a)) if subject is None else np.asarray(subject)
    if not len(a) == len(b) == len(group):
        raise ValueError("x, y and subject must have the same length")
    keep = np.isfinite(a) & np.isfinite(b)
    return a[keep], b[keep], group[keep], int((~keep).sum())


def _fisher_ccc(
    a: NDArray[np.float64], b: NDArray[np.float64], *, missing: int, level: float
) -> Estimate:
    n, name = len(a), "Lin CCC, Fisher z"
    c = float(weighted_ccc(a, b, np.ones((1, n)))[0])
    sx, sy = float(a.var()), float(b.var())
    r = float(np.corrcoef(a, b)[0, 1]) if sx > 0 and sy > 0 else 0.0
    if r == 0 or abs(c) >= 1 - 1e-12:
        return Estimate(
            c, None, None, level, n, n, missing, name, flags=("no_interval",),
            reason="correlation of exactly 0 or concordance of exactly 1: no interval",
        )  # fmt: skip
    u2 = (float(a.mean()) - float(b.mean())) ** 2 / math.sqrt(sx * sy)
    variance = (
        (1 - r**2) * c**2 * (1 - c**2) / r**2
        + 2 * c**3 * (1 - c) * u2 / r
        - 0.5 * c**4 * u2**2 / r**2
    ) / (n - 2)
    half = float(stats.norm.ppf(0.5 + level / 2)) * math.sqrt(variance) / (1 - c**2)
    z = math.atanh(c)
    return Estimate(c, math.tanh(z - half), math.tanh(z + half), level, n, n, missing, name)
