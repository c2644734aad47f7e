"""Variance between sites: its estimators, its interval and the share it has of all variation."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

_Array = NDArray[np.float64]


def weighted_mean(y: _Array, w: _Array) -> float:
    """Return the mean with weights."""
    return float(np.sum(w * y) / np.sum(w))


def residuals(y: _Array, w: _Array) -> _Array:
    """Return distances from the weighted mean, exact also where one weight dwarfs all others."""
    return np.asarray((y[:, None] - y) @ w / w.sum())


def _shared(w: _Array) -> float:
    """Return ``sum(w) - sum(w^2) / sum(w)`` without the loss where one weight dwarfs all others."""
    others = (1 - np.eye(len(w))) @ w
    return float(np.sum(w / w.sum() * others))


def cochran_q(y: _Array, v: _Array, tau2: float) -> float:
    """Return the weighted sum of squares about the weighted mean."""
    w = 1 / (v + tau2)
    return float(np.sum(w * residuals(y, w) ** 2))


def _typical_variance(v: _Array) -> float:
    return (len(v) - 1) / _shared(1 / v)


def i2_percent(v: _Array, tau2: float, *, q: float, fixed: bool) -> float:
    """Return the share of the variation that is not sampling error, in per cent."""
    if fixed:
        return 100 * max(0.0, (q - len(v) + 1) / q) if q > 0 else 0.0
    return 100 * tau2 / (tau2 + _typical_variance(v))


def tau2_interval(y: _Array, v: _Array, level: float) -> tuple[float, float]:
    """Return the Q-profile interval: the variances that would make Q as large, or as small."""

    def at(tail: float) -> float:
        critical = float(stats.chi2.ppf(tail, len(y) - 1))
        return _root(lambda tau2: cochran_q(y, v, tau2) - critical, y)

    return at(0.5 + level / 2), at(0.5 - level / 2)


def _fixed(_y: _Array, _v: _Array) -> float:
    return 0.0


def _dersimonian_laird(y: _Array, v: _Array) -> float:
    w = 1 / v
    return max(0.0, (cochran_q(y, v, 0.0) - (len(y) - 1)) / _shared(w))


def _paule_mandel(y: _Array, v: _Array) -> float:
    def excess(tau2: float) -> float:
        return cochran_q(y, v, tau2) - (len(y) - 1)

    return _root(excess, y)


def _reml(y: _Array, v: _Array) -> float:
    def score(tau2: float) -> float:
        w = 1 / (v + tau2)
        return float(np.sum((w * residuals(y, w)) ** 2)) - _shared(w)

    return _root(score, y)


def _root(decreasing: Callable[[float], float], y: _Array) -> float:
    """Return where a function of the between-site variance crosses zero; 0 where it never does."""
    if decreasing(0.0) <= 0:
        return 0.0
    high = max(1e-12, float(y.var(ddof=1)))
    while decreasing(high) > 0:
        high *= 2
    # The root may be small beside 1: a mean of 1e-5 has a variance of 1e-10.
    return float(optimize.brentq(decreasing, 0.0, high, xtol=1e-300, rtol=1e-14, maxiter=2000))


TAU2: dict[str, Callable[[_Array, _Array], float]] = {
    "fixed": _fixed,
    "dl": _dersimonian_laird,
    "pm": _paule_mandel,
    "reml": _reml,
}
