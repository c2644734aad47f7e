"""Estimates of several sites put together, and how much the sites differ."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

from evaluation.statistics.estimates import (
    DEFAULT_LEVEL,
    Estimate,
    not_estimable,
    require_level,
)

_Array = NDArray[np.float64]


@dataclass(frozen=True)
class RandomEffects:
    """A pooled estimate with the heterogeneity beside it.

    ``prediction_lower`` and ``prediction_upper`` are where the true value of a new site lies;
    ``i2_percent`` is the share of variation that is not sampling error.
    """

    estimate: Estimate
    tau2: float | None
    i2_percent: float | None
    q: float | None
    q_p_value: float | None
    prediction_lower: float | None
    prediction_upper: float | None


def random_effects(
    values: ArrayLike,
    variances: ArrayLike,
    *,
    method: str = "reml",
    knapp_hartung: bool = True,
    level: float = DEFAULT_LEVEL,
    unit: str = "",
) -> RandomEffects:
    """Pool estimates of several sites under the random-effects model.

    Parameters
    ----------
    values, variances
        One estimate and its sampling variance per site, shape (k,).
    method
        Estimator of the between-site variance: ``reml``, ``dl`` (DerSimonian-Laird), ``pm``
        (Paule-Mandel) or ``fixed`` (none).
    knapp_hartung
        Variance of the pooled value from the weighted residuals, with k - 1 degrees of freedom,
        for the interval and the prediction interval; else the normal distribution.

    Raises
    ------
    ValueError
        If lengths differ, a variance is not positive or the method is unknown.

    Notes
    -----
    Viechtbauer W, J Educ Behav Stat 2005;30:261; Knapp G, Hartung J, Stat Med 2003;22:2693. With
    five sites the interval rests on 4 degrees of freedom: it generalises to new sites and is no
    claim about these.
    """
    require_level(level)
    y, v = np.asarray(values, dtype=float), np.asarray(variances, dtype=float)
    if y.shape != v.shape or y.ndim != 1:
        raise ValueError("values and variances must be one-dimensional and of the same length")
    if method not in _TAU2:
        raise ValueError(f"unknown method {method!r}: choose one of {', '.join(sorted(_TAU2))}")
    if np.any(v <= 0) or not np.all(np.isfinite(y)):
        raise ValueError("each value must be finite and each variance positive")
    if len(y) < 2:
        none = not_estimable(
            "fewer than two sites", level=level, n=len(y), clusters=len(y), method=method, unit=unit
        )
        return RandomEffects(none, None, None, None, None, None, None)
    return _pooled(y, v, method=method, knapp_hartung=knapp_hartung, level=level, unit=unit)


def _pooled(
    y: _Array, v: _Array, *, method: str, knapp_hartung: bool, level: float, unit: str
) -> RandomEffects:
    k, tau2 = len(y), _TAU2[method](y, v)
    w = 1 / (v + tau2)
    mean = _mean(y, w)
    se, quantile = math.sqrt(1 / float(w.sum())), float(stats.norm.ppf(0.5 + level / 2))
    name = f"random effects, {method}"
    if knapp_hartung:
        se *= math.sqrt(float(np.sum(w * (y - mean) ** 2)) / (k - 1))
        quantile = float(stats.t.ppf(0.5 + level / 2, k - 1))
        name += ", Knapp-Hartung"
    estimate = Estimate(
        mean, mean - quantile * se, mean + quantile * se, level, k, k, 0, name, unit
    )
    q = _q(y, v, 0.0)
    spread = quantile * math.sqrt(tau2 + se**2)
    return RandomEffects(
        estimate, tau2, _i2(v, tau2, q=q, fixed=method == "fixed"), q,
        float(stats.chi2.sf(q, k - 1)), mean - spread, mean + spread,
    )  # fmt: skip


def _mean(y: _Array, w: _Array) -> float:
    return float(np.sum(w * y) / np.sum(w))


def _q(y: _Array, v: _Array, tau2: float) -> float:
    w = 1 / (v + tau2)
    return float(np.sum(w * (y - _mean(y, w)) ** 2))


def _typical_variance(v: _Array) -> float:
    w = 1 / v
    return float((len(v) - 1) * w.sum() / (w.sum() ** 2 - np.sum(w**2)))


def _i2(v: _Array, tau2: float, *, q: float, fixed: bool) -> float:
    if fixed:
        return 100 * max(0.0, (q - len(v) + 1) / q) if q > 0 else 0.0
    return 100 * tau2 / (tau2 + _typical_variance(v))


def _fixed(_y: _Array, _v: _Array) -> float:
    return 0.0


def _dersimonian_laird(y: _Array, v: _Array) -> float:
    w = 1 / v
    scale = float(w.sum() - np.sum(w**2) / w.sum())
    return max(0.0, (_q(y, v, 0.0) - (len(y) - 1)) / scale)


def _paule_mandel(y: _Array, v: _Array) -> float:
    def excess(tau2: float) -> float:
        return _q(y, v, tau2) - (len(y) - 1)

    return _root(excess, y)


def _reml(y: _Array, v: _Array) -> float:
    def score(tau2: float) -> float:
        w = 1 / (v + tau2)
        residual = y - _mean(y, w)
        return float(np.sum(w**2 * residual**2) - w.sum() + np.sum(w**2) / w.sum())

    return _root(score, y)


def _root(decreasing: Callable[[float], float], y: _Array) -> float:
    """Return where a function of the between-site variance crosses zero; 0 where it never does."""
    if decreasing(0.0) <= 0:
        return 0.0
    high = max(1e-12, float(y.var(ddof=1)))
    while decreasing(high) > 0:
        high *= 2
    return float(optimize.brentq(decreasing, 0.0, high, xtol=1e-15, rtol=1e-14))


_TAU2: dict[str, Callable[[_Array, _Array], float]] = {
    "fixed": _fixed,
    "dl": _dersimonian_laird,
    "pm": _paule_mandel,
    "reml": _reml,
}
