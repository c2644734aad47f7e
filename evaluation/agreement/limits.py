"""Bias and limits of agreement, for one pair per participant or several."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from evaluation.statistics import (
    DEFAULT_LEVEL,
    Estimate,
    clustered_mean,
    not_estimable,
    require_level,
)

_MULTIPLIER = 1.96  # as in the papers: limits hold 95 % of the differences, whatever the level


@dataclass(frozen=True)
class BlandAltman:
    """Bias, limits of agreement and proportional bias of ``x - y``.

    With ``log`` the differences are ``ln x - ln y``: ``exp`` of bias and limits are ratios.
    """

    bias: Estimate
    lower_limit: Estimate
    upper_limit: Estimate
    slope: Estimate
    sd: float | None
    within_sd: float | None
    between_sd: float | None
    log: bool


@dataclass(frozen=True)
class _Spread:
    """Variance of one difference and the two-sided interval of that variance."""

    variance: float
    lower: float
    upper: float
    within: float | None = None
    between: float | None = None


def bland_altman(
    x: ArrayLike,
    y: ArrayLike,
    *,
    subject: ArrayLike | None = None,
    log: bool = False,
    multiplier: float = _MULTIPLIER,
    limit_interval: str = "delta",
    level: float = DEFAULT_LEVEL,
    unit: str = "",
) -> BlandAltman:
    """Compare two methods of measurement by the differences ``x - y``.

    Parameters
    ----------
    x, y
        Values of the two methods, shape (n,), for example synthetic and reference; pairs with NaN are counted as missing.
    subject
        Participant of each pair. Several pairs of a participant are taken as variance components
        with a true value that varies: one-way analysis of variance of the differences, with
        ``m0 = (N^2 - sum(m^2)) / ((K - 1) N)`` for unequal numbers.
    log
        Take natural logarithms first; pairs that are not positive are counted as missing.
    multiplier
        Standard deviations from the bias to a limit.
    limit_interval
        Without replicates: ``delta`` (standard error ``s * sqrt(1/n + z^2 / (2 (n - 1)))``) or
        ``sqrt3`` (the approximation ``s * sqrt(3 / n)`` of the 1986 paper).

    Raises
    ------
    ValueError
        If the lengths differ or ``limit_interval`` is unknown.

    Notes
    -----
    Bland JM, Altman DG, Lancet 1986;i:307, Stat Methods Med Res 1999;8:135 and J Biopharm Stat
    2007;17:571. With several pairs per participant the intervals of bias and spread are combined
    by the method of Zou, Stat Methods Med Res 2013;22:630 (MOVER).

    Examples
    --------
    >>> r = bland_altman([512, 430, 520], [494, 395, 516])
    >>> r.bias.value
    19.0
    """
    require_level(level)
    if limit_interval not in {"delta", "sqrt3"}:
        raise ValueError(f"unknown limit_interval {limit_interval!r}: choose delta or sqrt3")
    a, b, group, missing = _pairs(x, y, subject, log=log)
    difference = a - b
    unit = "ln ratio" if log else unit
    bias = _restate(
        clustered_mean(difference, group, level=level, unit=unit), missing, "mean difference"
    )
    if len(np.unique(group)) < 3:
        return _without_limits(bias, log=log)
    spread = _spread(difference, group, level=level)
    limits = [
        _limit(bias, spread, sign * multiplier, centre=float(difference.mean()), how=limit_interval)
        for sign in (-1.0, 1.0)
    ]
    slope = _proportional_bias((a + b) / 2, difference, group, bias)
    return BlandAltman(
        bias, limits[0], limits[1], slope, math.sqrt(spread.variance),
        None if spread.within is None else math.sqrt(spread.within),
        None if spread.between is None else math.sqrt(spread.between), log,
    )  # fmt: skip


def _pairs(
    x: ArrayLike, y: ArrayLike, subject: ArrayLike | None, *, log: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray, int]:
    a, b = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    group = np.arange(len(a)) if subject is None else np.asarray(subject)
    if not len(a) == len(b) == len(group):
        raise ValueError("x, y and subject must have the same length")
    keep = np.isfinite(a) & np.isfinite(b)
    if log:
        keep &= (a > 0) & (b > 0)
    a, b, group = a[keep], b[keep], group[keep]
    return (np.log(a) if log else a), (np.log(b) if log else b), group, int((~keep).sum())


def _spread(difference: NDArray[np.float64], group: NDArray, *, level: float) -> _Spread:
    _, codes, sizes = np.unique(group, return_inverse=True, return_counts=True)
    n, clusters = len(difference), len(sizes)
    if clusters == n:
        variance = float(difference.var(ddof=1))
        low, high = _variance_bounds(variance, n - 1, level)
        return _Spread(variance, low, high)
    means = np.bincount(codes, weights=difference) / sizes
    between_ms = float(np.sum(sizes * (means - difference.mean()) ** 2)) / (clusters - 1)
    within_ms = float(np.sum((difference - means[codes]) ** 2)) / (n - clusters)
    m0 = (n**2 - float(np.sum(sizes**2))) / ((clusters - 1) * n)
    between = max(0.0, (between_ms - within_ms) / m0)
    parts = [
        (between_ms / m0, clusters - 1),
        ((1 - 1 / m0) * within_ms, n - clusters),
    ]
    # Not cut off at the within variance: a negative between component only corrects for chance,
    # and cutting it would make the limits too wide on average.
    variance = within_ms + (between_ms - within_ms) / m0
    below = above = 0.0
    for share, df in parts:
        low, high = _variance_bounds(share, df, level)
        below, above = below + (share - low) ** 2, above + (high - share) ** 2
    low = max(0.0, variance - math.sqrt(below))
    return _Spread(variance, low, variance + math.sqrt(above), within_ms, between)


def _variance_bounds(variance: float, df: int, level: float) -> tuple[float, float]:
    tail = (1 - level) / 2
    low = variance * df / float(stats.chi2.ppf(1 - tail, df))
    return low, variance * df / float(stats.chi2.ppf(tail, df))


def _limit(
    bias: Estimate, spread: _Spread, multiplier: float, *, centre: float, how: str
) -> Estimate:
    n, s = bias.n, math.sqrt(spread.variance)
    value = centre + multiplier * s
    if bias.clusters == n:
        se = s * math.sqrt(3 / n if how == "sqrt3" else 1 / n + multiplier**2 / (2 * (n - 1)))
        half = float(stats.t.ppf(0.5 + bias.level / 2, n - 1)) * se
        lower, upper, method = value - half, value + half, f"limits of agreement, {how}"
    else:
        lower, upper = _mover(bias, spread, multiplier, value)
        method = "limits of agreement, variance components, MOVER"
    return Estimate(
        value, lower, upper, bias.level, n, bias.clusters, bias.missing, method, bias.unit
    )


def _mover(bias: Estimate, spread: _Spread, multiplier: float, value: float) -> tuple[float, float]:
    centre, low, high = bias.value, bias.lower, bias.upper
    if centre is None or low is None or high is None:
        raise ValueError("the bias has no interval")
    s = math.sqrt(spread.variance)
    inner = abs(multiplier) * (s - math.sqrt(spread.lower))
    outer = abs(multiplier) * (math.sqrt(spread.upper) - s)
    down, up = (inner, outer) if multiplier > 0 else (outer, inner)
    return value - math.hypot(centre - low, down), value + math.hypot(high - centre, up)


def _proportional_bias(
    mean: NDArray[np.float64], difference: NDArray[np.float64], group: NDArray, bias: Estimate
) -> Estimate:
    """Slope of the difference on the mean, with a cluster-robust (or plain) t interval."""
    n, clusters = len(mean), len(np.unique(group))
    centred = mean - mean.mean()
    sxx = float(np.sum(centred**2))
    if sxx == 0:
        return not_estimable(
            "all pairs have the same mean", level=bias.level, n=n, clusters=clusters,
            missing=bias.missing, method="least squares",
        )  # fmt: skip
    slope = float(np.sum(centred * difference)) / sxx
    residual = difference - difference.mean() - slope * centred
    if clusters == n:
        se, df, method = (
            math.sqrt(float(np.sum(residual**2)) / (n - 2) / sxx),
            n - 2,
            "least squares",
        )
    else:
        _, codes = np.unique(group, return_inverse=True)
        scores = np.bincount(codes, weights=centred * residual)
        se = math.sqrt(clusters / (clusters - 1) * float(np.sum(scores**2))) / sxx
        df, method = clusters - 1, "least squares, cluster-robust"
    half = float(stats.t.ppf(0.5 + bias.level / 2, df)) * se
    return Estimate(
        slope, slope - half, slope + half, bias.level, n, clusters, bias.missing, method
    )


def _restate(e: Estimate, missing: int, what: str) -> Estimate:
    return Estimate(
        e.value, e.lower, e.upper, e.level, e.n, e.clusters, missing, f"{what}, {e.method}",
        e.unit, e.flags, e.reason,
    )  # fmt: skip


def _without_limits(bias: Estimate, *, log: bool) -> BlandAltman:
    none = not_estimable(
        "limits of agreement need at least three participants", level=bias.level, n=bias.n,
        clusters=bias.clusters, missing=bias.missing, method="limits of agreement", unit=bias.unit,
    )  # fmt: skip
    return BlandAltman(bias, none, none, none, None, None, None, log)
