"""Errors-in-both-variables regression: Deming and Passing-Bablok."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from evaluation.statistics import DEFAULT_LEVEL, Estimate, not_estimable, require_level

_Array = NDArray[np.float64]


@dataclass(frozen=True)
class MethodRegression:
    """``y = intercept + slope * x`` where both carry measurement error."""

    intercept: Estimate
    slope: Estimate


def deming(
    x: ArrayLike, y: ArrayLike, *, error_ratio: float = 1.0, level: float = DEFAULT_LEVEL
) -> MethodRegression:
    """Fit Deming's line with jackknife intervals (Linnet).

    Parameters
    ----------
    error_ratio
        ``Var(error of x) / Var(error of y)``, known beforehand.

    Notes
    -----
    Linnet K, Clin Chem 1990;36:2002 and 1993;39:424; t distribution with n - 2 degrees of freedom.
    """
    require_level(level)
    if not (math.isfinite(error_ratio) and error_ratio > 0):
        raise ValueError("error_ratio must be a positive number")
    a, b, missing = _pairs(x, y)
    n, name = len(a), "Deming, jackknife"
    if n < 4 or not float(np.cov(a, b)[0, 1]):
        return _none("fewer than four pairs or no covariance", n, missing, method=name, level=level)
    whole = np.array(_deming_line(a, b, error_ratio))
    keep = ~np.eye(n, dtype=bool)
    left_out = np.array([_deming_line(a[row], b[row], error_ratio) for row in keep])
    pseudo = n * whole - (n - 1) * left_out
    se = pseudo.std(axis=0, ddof=1) / math.sqrt(n)
    half = float(stats.t.ppf(0.5 + level / 2, n - 2)) * se
    estimates = [
        Estimate(float(v), float(v - h), float(v + h), level, n, n, missing, name)
        for v, h in zip(whole, half, strict=True)
    ]
    return MethodRegression(*estimates)


def passing_bablok(x: ArrayLike, y: ArrayLike, *, level: float = DEFAULT_LEVEL) -> MethodRegression:
    """Fit Passing and Bablok's line: the shifted median of all pairwise slopes.

    It presumes a linear relation and a positive correlation. Pairs that are equal in both
    variables are left out.

    Notes
    -----
    Passing H, Bablok W, J Clin Chem Clin Biochem 1983;21:709. All n (n - 1) / 2 slopes are held in
    memory: 0.4 GB at n = 10,000.
    """
    require_level(level)
    a, b, missing = _pairs(x, y)
    n, name = len(a), "Passing-Bablok"
    angles, shift = _angles(a, b) if n >= 4 else (np.array([]), 0.0)
    count = len(angles)
    width = float(stats.norm.ppf(0.5 + level / 2)) * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    first = math.ceil((count - width) / 2)
    if first < 1 or count - first + 1 + shift > count:
        reason = "fewer than four pairs" if n < 4 else "too few different pairs for an interval"
        return _none(reason, n, missing, method=name, level=level)
    slope, low, high = (
        _slope_at(angles, place + shift) for place in ((count + 1) / 2, first, count - first + 1)
    )
    intercepts = [float(np.median(b - v * a)) for v in (slope, high, low)]
    return MethodRegression(
        Estimate(intercepts[0], intercepts[1], intercepts[2], level, n, n, missing, name),
        Estimate(slope, low, high, level, n, n, missing, name),
    )


def _angles(a: _Array, b: _Array) -> tuple[_Array, float]:
    """Return the sorted angles of all pairwise slopes and the shift of their median.

    A slope of exactly -1 counts half, which is the same as leaving it out.
    """
    i, j = np.triu_indices(len(a), 1)
    dx, dy = a[j] - a[i], b[j] - b[i]
    vertical = dx == 0
    slopes = np.divide(dy, dx, out=np.full(len(dx), np.inf), where=~vertical)
    slopes = slopes[~(vertical & (dy == 0))]
    shift = (np.sum(slopes < -1) + np.sum(slopes <= -1)) / 2
    return np.sort(np.arctan(slopes)), float(shift)


def _slope_at(angles: _Array, place: float) -> float:
    """Return the slope of that rank; between two ranks the mean of their angles, as mcr does."""
    below, above = math.floor(place) - 1, math.ceil(place) - 1
    return math.tan(float(angles[below] + angles[above]) / 2)


def _deming_line(a: _Array, b: _Array, error_ratio: float) -> tuple[float, float]:
    u, v = a - a.mean(), b - b.mean()
    sxx, syy, sxy = float(u @ u), float(v @ v), float(u @ v)
    gap = syy - sxx / error_ratio
    slope = (gap + math.sqrt(gap**2 + 4 * sxy**2 / error_ratio)) / (2 * sxy)
    return float(b.mean()) - slope * float(a.mean()), slope


def _pairs(x: ArrayLike, y: ArrayLike) -> tuple[_Array, _Array, int]:
    a, b = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError("x and y must be one-dimensional and of the same length")
    keep = np.isfinite(a) & np.isfinite(b)
    return a[keep], b[keep], int((~keep).sum())


def _none(reason: str, n: int, missing: int, *, method: str, level: float) -> MethodRegression:
    none = not_estimable(reason, level=level, n=n, clusters=n, missing=missing, method=method)
    return MethodRegression(none, none)
