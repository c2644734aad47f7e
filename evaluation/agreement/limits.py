"""Bias and limits of agreement, for one pair per participant or several."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from evaluation.agreement.pairs import Pairs, complete_pairs
from evaluation.agreement.proportional import proportional_bias
from evaluation.agreement.spread import (
    Spread,
    delta_bounds,
    exact_bounds,
    spread_of_constant,
    spread_of_singles,
    spread_of_varying,
)
from evaluation.statistics import (
    DEFAULT_LEVEL,
    Estimate,
    clustered_mean,
    not_estimable,
    require_level,
)

_MULTIPLIER = 1.96  # as in the papers: limits hold 95 % of the differences, whatever the level
_INTERVALS = ("delta", "sqrt3", "exact")


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


def bland_altman(  # noqa: PLR0913 - one method, its options keyword-only
    x: ArrayLike,
    y: ArrayLike,
    *,
    subject: ArrayLike | None = None,
    log: bool = False,
    true_value: str = "varies",
    multiplier: float = _MULTIPLIER,
    limit_interval: str = "delta",
    level: float = DEFAULT_LEVEL,
    unit: str = "",
) -> BlandAltman:
    """Compare two methods of measurement by the differences ``x - y``.

    Parameters
    ----------
    x, y
        Values of the two methods, shape (n,), for example synthetic and reference; pairs with NaN
        are counted as missing.
    subject
        Participant of each pair. Several pairs of a participant are taken as variance components.
    log
        Take natural logarithms first; pairs that are not positive are counted as missing.
    true_value
        Of a participant with several pairs: ``varies`` from pair to pair (lesions) - one-way
        analysis of variance of the differences, with ``m0 = (N^2 - sum(m^2)) / ((K - 1) N)`` for
        unequal numbers - or is ``constant`` (repeated measurements of one quantity): variance of
        the participants' mean differences plus what averaging took away. The bias is the mean of
        all differences either way.
    multiplier
        Standard deviations from the bias to a limit.
    limit_interval
        Without replicates: ``delta`` (standard error ``s * sqrt(1/n + z^2 / (2 (n - 1)))``),
        ``exact`` (noncentral t; worth it below about 50 pairs) or ``sqrt3`` (the approximation
        ``s * sqrt(3 / n)`` of the 1986 paper).

    Raises
    ------
    ValueError
        If the lengths differ, a value is infinite, an option is unknown, or ``exact`` or ``sqrt3``
        is asked for with several pairs of a participant.

    Notes
    -----
    Bland JM, Altman DG, Lancet 1986;i:307, Stat Methods Med Res 1999;8:135 and J Biopharm Stat
    2007;17:571; Carkeet A, Optom Vis Sci 2015;92:e71. With several pairs per participant the
    intervals of bias and spread are combined by the method of Zou, Stat Methods Med Res 2013;22:630
    (MOVER).

    Examples
    --------
    >>> r = bland_altman([512, 430, 520], [494, 395, 516])
    >>> r.bias.value
    19.0
    """
    require_level(level)
    _require_options(limit_interval, true_value, multiplier)
    pairs = complete_pairs(x, y, subject, positive=log)
    if log:
        pairs = replace(pairs, x=np.log(pairs.x), y=np.log(pairs.y))
        unit = "ln ratio"
    if pairs.replicated and limit_interval != "delta":
        raise ValueError(f"limit_interval {limit_interval!r} takes one pair per participant")
    bias = clustered_mean(pairs.x - pairs.y, pairs.subject, level=level, unit=unit)
    bias = replace(bias, missing=pairs.missing, method=f"mean difference, {bias.method}")
    if pairs.clusters < 3:
        return _without_limits(bias, log=log)
    spread = _spread(pairs, true_value, level)
    low, high = (
        _limit(bias, spread, sign * multiplier, how=limit_interval) for sign in (-1.0, 1.0)
    )
    return BlandAltman(
        bias, low, high, proportional_bias(pairs, bias), math.sqrt(spread.variance),
        None if spread.within is None else math.sqrt(spread.within),
        None if spread.between is None else math.sqrt(spread.between), log,
    )  # fmt: skip


def _require_options(limit_interval: str, true_value: str, multiplier: float) -> None:
    if limit_interval not in _INTERVALS:
        raise ValueError(f"unknown limit_interval {limit_interval!r}: choose delta, exact or sqrt3")
    if true_value not in {"varies", "constant"}:
        raise ValueError(f"unknown true_value {true_value!r}: choose varies or constant")
    if not (math.isfinite(multiplier) and multiplier > 0):
        raise ValueError("multiplier must be a positive number")


def _spread(pairs: Pairs, true_value: str, level: float) -> Spread:
    if not pairs.replicated:
        return spread_of_singles(pairs.x - pairs.y, level=level)
    if true_value == "constant":
        return spread_of_constant(pairs, level=level)
    return spread_of_varying(pairs, level=level)


def _limit(bias: Estimate, spread: Spread, multiplier: float, *, how: str) -> Estimate:
    if bias.value is None:
        raise ValueError("a bias without a value has no limits")
    sd, n, single = math.sqrt(spread.variance), bias.n, spread.within is None
    value = bias.value + multiplier * sd
    name = how if single else "variance components, MOVER"
    if not single:
        bounds = _mover(bias, spread, multiplier, value)
    elif how == "exact":
        bounds = exact_bounds(bias.value, sd, multiplier=multiplier, n=n, level=bias.level)
    else:
        bounds = delta_bounds(
            value, sd, multiplier=multiplier, n=n, level=bias.level, approximate=how == "sqrt3"
        )
    return replace(
        bias, value=value, lower=bounds[0], upper=bounds[1], method=f"limits of agreement, {name}"
    )


def _mover(bias: Estimate, spread: Spread, multiplier: float, value: float) -> tuple[float, float]:
    centre, low, high = bias.value, bias.lower, bias.upper
    if centre is None or low is None or high is None:
        raise ValueError("the bias has no interval")
    s = math.sqrt(spread.variance)
    inner = abs(multiplier) * (s - math.sqrt(spread.lower))
    outer = abs(multiplier) * (math.sqrt(spread.upper) - s)
    down, up = (inner, outer) if multiplier > 0 else (outer, inner)
    return value - math.hypot(centre - low, down), value + math.hypot(high - centre, up)


def _without_limits(bias: Estimate, *, log: bool) -> BlandAltman:
    none = not_estimable(
        "limits of agreement need at least three participants", level=bias.level, n=bias.n,
        clusters=bias.clusters, missing=bias.missing, method="limits of agreement", unit=bias.unit,
    )  # fmt: skip
    return BlandAltman(bias, none, none, none, None, None, None, log)
