"""Errors-in-both-variables regression: Deming and Passing-Bablok."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from evaluation.agreement.pairs import Pairs, complete_pairs, constant
from evaluation.agreement.slopes import SlopeCounts, count_slopes, slopes_at
from evaluation.statistics import DEFAULT_LEVEL, Estimate, not_estimable, require_level

_Array = NDArray[np.float64]


@dataclass(frozen=True)
class MethodRegression:
    """``y = intercept + slope * x`` where both carry measurement error."""

    intercept: Estimate
    slope: Estimate


def deming(
    x: ArrayLike,
    y: ArrayLike,
    *,
    error_ratio: float = 1.0,
    subject: ArrayLike | None = None,
    level: float = DEFAULT_LEVEL,
) -> MethodRegression:
    """Fit Deming's line with jackknife intervals (Linnet).

    Parameters
    ----------
    error_ratio
        ``Var(error of x) / Var(error of y)``, known beforehand.
    subject
        Participant of each pair; the jackknife then leaves out one participant at a time.

    Raises
    ------
    ValueError
        If lengths differ, a value is infinite or the ratio is not a positive number.

    Notes
    -----
    Linnet K, Clin Chem 1990;36:2002 and 1993;39:424; t distribution with K - 2 degrees of freedom
    for K participants.

    Examples
    --------
    >>> fit = deming([1.0, 2.0, 3.0, 4.0, 5.0], [1.2, 1.9, 3.1, 4.2, 4.9])
    >>> round(fit.slope.value, 4)
    0.9742
    """
    require_level(level)
    if not (math.isfinite(error_ratio) and error_ratio > 0):
        raise ValueError("error_ratio must be a positive number")
    pairs = complete_pairs(x, y, subject)
    blank = _blank(pairs, "Deming, jackknife", level)
    if pairs.clusters < 4:
        return _both(replace(blank, reason="fewer than four participants"))
    if constant(pairs.x) or constant(pairs.y):
        return _both(replace(blank, reason="one variable is constant"))
    origin = np.array([pairs.x.mean(), pairs.y.mean()])
    sums = _sums_of_participants(pairs, origin)
    with np.errstate(divide="ignore", invalid="ignore"):
        whole = _deming_lines(sums.sum(axis=0)[None, :], origin, error_ratio)[0]
        left_out = _deming_lines(sums.sum(axis=0) - sums, origin, error_ratio)
    if not np.isfinite(whole).all():
        return _both(replace(blank, reason="the two variables do not vary together"))
    k = pairs.clusters
    pseudo = k * whole - (k - 1) * left_out
    half = float(stats.t.ppf(0.5 + level / 2, k - 2)) * pseudo.std(axis=0, ddof=1) / math.sqrt(k)
    return MethodRegression(*(
        _fitted(blank, float(v), (float(v - h), float(v + h)))
        for v, h in zip(whole, half, strict=True)
    ))  # fmt: skip


def passing_bablok(x: ArrayLike, y: ArrayLike, *, level: float = DEFAULT_LEVEL) -> MethodRegression:
    """Fit Passing and Bablok's line: the shifted median of all pairwise slopes.

    It presumes a linear relation and a positive correlation: with more falling than rising slopes
    there is no line, and the result says so. Pairs that are equal in both variables are left out.

    Raises
    ------
    ValueError
        If lengths differ or a value is infinite.

    Notes
    -----
    Passing H, Bablok W, J Clin Chem Clin Biochem 1983;21:709. The slopes are counted, never held:
    see `evaluation.agreement.slopes`. Between two ranks the mean of their angles is taken; a slope
    of exactly -1 counts half, which is the same as leaving it out.

    Examples
    --------
    >>> fit = passing_bablok([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [1.2, 1.9, 3.1, 4.2, 4.9, 6.0])
    >>> round(fit.slope.value, 4)
    0.9667
    """
    require_level(level)
    pairs = complete_pairs(x, y)
    a, b, n = pairs.x, pairs.y, pairs.n
    blank = _blank(pairs, "Passing-Bablok", level)
    if n < 4:
        return _both(replace(blank, reason="fewer than four pairs"))
    if constant(a) or constant(b):
        return _both(replace(blank, reason="one variable is constant"))
    counts = count_slopes(a, b)
    if counts.falling > counts.rising:
        reason = "the variables fall together less often than they oppose: no positive correlation"
        return _both(replace(blank, reason=reason))
    places = _places(n, counts, level)
    if places is None:
        return _both(replace(blank, reason="too few different pairs for an interval"))
    slope, low, high = _slopes_between(a, b, places, total=counts.total)
    if not (math.isfinite(low) and math.isfinite(high)):
        return _both(replace(blank, reason="most pairs differ in y alone: the line is vertical"))
    middle, least, most = (float(np.median(b - v * a)) for v in (slope, high, low))
    return MethodRegression(
        _fitted(blank, middle, (least, most)), _fitted(blank, slope, (low, high))
    )


def _places(n: int, counts: SlopeCounts, level: float) -> tuple[float, float, float] | None:
    """Return the ranks, from 1, of the slope and of its bounds; None where they do not exist."""
    width = float(stats.norm.ppf(0.5 + level / 2)) * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    shift, first = counts.below + counts.at / 2, math.ceil((counts.total - width) / 2)
    last = counts.total - first + 1 + shift
    if first < 1 or last > counts.total:
        return None
    return (counts.total + 1) / 2 + shift, first + shift, last


def _slopes_between(a: _Array, b: _Array, places: Sequence[float], *, total: int) -> list[float]:
    """Return the slope at each rank; between two ranks that of the mean of their angles."""
    ranks = [rank for place in places for rank in (math.floor(place) - 1, math.ceil(place) - 1)]
    slopes = slopes_at(a, b, ranks, total=total)
    return [_between(float(lower), float(upper)) for lower, upper in slopes.reshape(-1, 2)]


def _between(lower: float, upper: float) -> float:
    if lower == upper or math.isinf(upper):
        return upper
    return math.tan((math.atan(lower) + math.atan(upper)) / 2)


def _sums_of_participants(pairs: Pairs, origin: _Array) -> _Array:
    """Return n and the first and second moments about the origin of each participant."""
    u, v = pairs.x - origin[0], pairs.y - origin[1]
    terms = (np.ones(pairs.n), u, v, u * u, v * v, u * v)
    return np.stack([np.bincount(pairs.subject, weights=term) for term in terms], axis=1)


def _deming_lines(sums: _Array, origin: _Array, error_ratio: float) -> _Array:
    """Return intercept and slope of each row of sums; not finite where there is no covariance."""
    n, u, v, uu, vv, uv = sums.T
    sxx, syy, sxy = uu - u * u / n, vv - v * v / n, uv - u * v / n
    gap = syy - sxx / error_ratio
    slope = (gap + np.sqrt(gap**2 + 4 * sxy**2 / error_ratio)) / (2 * sxy)
    return np.stack([origin[1] + v / n - slope * (origin[0] + u / n), slope], axis=1)


def _blank(pairs: Pairs, method: str, level: float) -> Estimate:
    return not_estimable(
        "", level=level, n=pairs.n, clusters=pairs.clusters, missing=pairs.missing, method=method
    )


def _fitted(blank: Estimate, value: float, bounds: tuple[float, float]) -> Estimate:
    if not all(math.isfinite(bound) for bound in bounds):
        reason = "without one participant there is no line: no interval"
        return replace(blank, value=value, flags=("no_interval",), reason=reason)
    return replace(blank, value=value, lower=bounds[0], upper=bounds[1], flags=())


def _both(none: Estimate) -> MethodRegression:
    return MethodRegression(none, none)
