"""Estimates of several sites put together, and how much the sites differ."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from evaluation.statistics.between_sites import (
    TAU2,
    cochran_q,
    i2_percent,
    residuals,
    tau2_interval,
    weighted_mean,
)
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
    ``i2_percent`` is the share of variation that is not sampling error; ``tau2_lower`` and
    ``tau2_upper`` are the Q-profile interval of the variance between sites.
    """

    estimate: Estimate
    tau2: float | None
    i2_percent: float | None
    q: float | None
    q_p_value: float | None
    prediction_lower: float | None
    prediction_upper: float | None
    tau2_lower: float | None = None
    tau2_upper: float | None = None


def random_effects(
    values: ArrayLike,
    variances: ArrayLike,
    *,
    method: str = "reml",
    knapp_hartung: bool | str = True,
    prediction_df: int | None = None,
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
        for the interval and the prediction interval; else the normal distribution. ``"modified"``
        keeps that variance from falling below the usual one, as it does when sites happen to
        agree; the plain form is then flagged ``below_usual_variance``.
    prediction_df
        Degrees of freedom of the prediction interval: k - 2 for Higgins, Thompson and
        Spiegelhalter; those of the pooled value's interval where not given.

    Raises
    ------
    ValueError
        If lengths differ, a variance is not positive or the method is unknown.

    Notes
    -----
    Viechtbauer W, J Educ Behav Stat 2005;30:261, and Stat Med 2007;26:37 (Q-profile); Knapp G,
    Hartung J, Stat Med 2003;22:2693 (both forms); Higgins JPT et al., J R Stat Soc A 2009;172:137.
    With five sites the interval rests on 4 degrees of freedom: it generalises to new sites and is
    no claim about these.
    """
    require_level(level)
    y, v = _checked(values, variances, method=method, knapp_hartung=knapp_hartung)
    if prediction_df is not None and prediction_df < 1:
        raise ValueError("prediction_df must be at least 1")
    if len(y) < 2:
        none = not_estimable(
            "fewer than two sites", level=level, n=len(y), clusters=len(y), method=method, unit=unit
        )
        return RandomEffects(none, None, None, None, None, None, None)
    tau2 = TAU2[method](y, v)
    estimate, se = _pooled(y, v, tau2, knapp_hartung=knapp_hartung, level=level)
    name = f"random effects, {method}{estimate.method}"
    free = prediction_df or (len(y) - 1 if knapp_hartung else math.inf)
    spread = float(stats.t.ppf(0.5 + level / 2, free)) * math.sqrt(tau2 + se**2)
    q, mean = cochran_q(y, v, 0.0), weighted_mean(y, 1 / (v + tau2))
    tau2_bounds = (None, None) if method == "fixed" else tau2_interval(y, v, level)
    return RandomEffects(
        replace(estimate, method=name, unit=unit), tau2,
        i2_percent(v, tau2, q=q, fixed=method == "fixed"), q,
        float(stats.chi2.sf(q, len(y) - 1)), mean - spread, mean + spread, *tau2_bounds,
    )  # fmt: skip


def leave_one_out(
    values: ArrayLike,
    variances: ArrayLike,
    *,
    method: str = "reml",
    knapp_hartung: bool | str = True,
    level: float = DEFAULT_LEVEL,
    unit: str = "",
) -> tuple[Estimate, ...]:
    """Return the pooled estimate without each site in turn, in the order of the sites.

    Examples
    --------
    >>> [round(e.value, 2) for e in leave_one_out([1.0, 2.0, 6.0], [0.1, 0.1, 0.1])]
    [4.0, 3.5, 1.5]
    """
    y, v = np.asarray(values, dtype=float), np.asarray(variances, dtype=float)
    random_effects(y, v, method=method, knapp_hartung=knapp_hartung, level=level)  # checks
    return tuple(
        random_effects(
            np.delete(y, i), np.delete(v, i), method=method, knapp_hartung=knapp_hartung,
            level=level, unit=unit,
        ).estimate
        for i in range(len(y))
    )  # fmt: skip


def _checked(
    values: ArrayLike, variances: ArrayLike, *, method: str, knapp_hartung: bool | str
) -> tuple[_Array, _Array]:
    y, v = np.asarray(values, dtype=float), np.asarray(variances, dtype=float)
    if y.shape != v.shape or y.ndim != 1:
        raise ValueError("values and variances must be one-dimensional and of the same length")
    if method not in TAU2:
        raise ValueError(f"unknown method {method!r}: choose one of {', '.join(sorted(TAU2))}")
    if isinstance(knapp_hartung, str) and knapp_hartung != "modified":
        raise ValueError(f"knapp_hartung must be True, False or 'modified', not {knapp_hartung!r}")
    if not np.all(np.isfinite(v) & (v > 0)) or not np.all(np.isfinite(y)):
        raise ValueError("each value must be finite and each variance positive")
    return y, v


def _pooled(
    y: _Array, v: _Array, tau2: float, *, knapp_hartung: bool | str, level: float
) -> tuple[Estimate, float]:
    """Return the pooled value with its interval, and its standard error."""
    k, w = len(y), 1 / (v + tau2)
    mean, se = weighted_mean(y, w), math.sqrt(1 / float(w.sum()))
    free, name, flags = math.inf, "", tuple[str, ...]()
    if knapp_hartung:
        scale = float(np.sum(w * residuals(y, w) ** 2)) / (k - 1)
        free, name = k - 1, ", Knapp-Hartung"
        if knapp_hartung == "modified":
            scale, name = max(1.0, scale), ", modified Knapp-Hartung"
        flags = ("below_usual_variance",) if scale < 1 - 1e-9 else ()
        se *= math.sqrt(scale)
    half = float(stats.t.ppf(0.5 + level / 2, free)) * se
    return Estimate(mean, mean - half, mean + half, level, k, k, 0, name, flags=flags), se
