"""Precision that a planned number of observations will give, before any are seen.

Each result is an `Estimate` whose value is the assumption and whose interval is the one to expect.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from evaluation.statistics.binomial import proportion_bounds
from evaluation.statistics.estimates import DEFAULT_LEVEL, Estimate, require_level

PLANNED = ("planned",)
"""Flag of an interval that is expected, not observed."""


def design_effect(icc: float, sizes: ArrayLike) -> float:
    """Return by how much clustering multiplies the variance of a mean: ``1 + (m - 1) icc``.

    With unequal sizes ``m = sum(size^2) / sum(size)``, the size of the cluster of an observation.

    Examples
    --------
    >>> design_effect(0.3, [2, 2, 2])
    1.3
    """
    m = np.asarray(sizes, dtype=float).ravel()
    if len(m) == 0 or not np.all(np.isfinite(m) & (m >= 1)):
        raise ValueError("each cluster needs a size of at least 1")
    if not -1 <= icc <= 1:
        raise ValueError(f"icc must lie between -1 and 1, not {icc!r}")
    return 1 + (float(np.sum(m**2) / m.sum()) - 1) * icc


def proportion_precision(
    proportion: float,
    n: int,
    *,
    method: str = "wilson",
    level: float = DEFAULT_LEVEL,
    design_effect: float = 1.0,
) -> Estimate:
    """Return the interval to expect of a proportion from ``n / design_effect`` observations.

    Examples
    --------
    >>> e = proportion_precision(0.90, 300)
    >>> round(e.lower, 3), round(e.upper, 3)
    (0.861, 0.929)
    """
    require_level(level)
    require_share(proportion, "proportion")
    effective = _effective(n, design_effect)
    bounds = proportion_bounds(proportion * effective, effective, method=method, level=level)
    return planned(proportion, bounds, n=n, level=level, method=method)


def limits_precision(
    n: int, *, sd: float = 1.0, multiplier: float = 1.96, level: float = DEFAULT_LEVEL
) -> Estimate:
    """Return the interval to expect of a limit of agreement around a bias of zero.

    The standard error is ``sd sqrt(1/n + z^2 / (2 (n - 1)))`` as in
    `evaluation.agreement.bland_altman` (Bland and Altman 1999).

    Examples
    --------
    >>> e = limits_precision(200)
    >>> round(e.upper - e.value, 2)
    0.24
    """
    require_level(level)
    require_at_least(n, 3)
    require_positive(sd, "sd")
    se = sd * math.sqrt(1 / n + multiplier**2 / (2 * (n - 1)))
    half = float(stats.t.ppf(0.5 + level / 2, n - 1)) * se
    value = multiplier * sd
    return planned(value, _around(value, half), n=n, level=level, method="limit of agreement")


def correlation_precision(r: float, n: int, *, level: float = DEFAULT_LEVEL) -> Estimate:
    """Return the interval to expect of a correlation (or Lin's coefficient) by Fisher's z.

    Examples
    --------
    >>> e = correlation_precision(0.85, 10_000)
    >>> round(e.lower, 4), round(e.upper, 4)
    (0.8445, 0.8553)
    """
    require_level(level)
    require_at_least(n, 4)
    if not -1 < r < 1:
        raise ValueError(f"r must lie strictly between -1 and 1, not {r!r}")
    half = float(stats.norm.ppf(0.5 + level / 2)) / math.sqrt(n - 3)
    z = math.atanh(r)
    bounds = math.tanh(z - half), math.tanh(z + half)
    return planned(r, bounds, n=n, level=level, method="Fisher z")


@dataclass(frozen=True)
class PooledPrecision:
    """Intervals to expect when sites are pooled: for these sites, for all, and for a new one."""

    stratified: Estimate
    random_effects: Estimate
    prediction: Estimate


def pooled_precision(
    value: float, variance: float, sites: int, *, tau: float = 0.0, level: float = DEFAULT_LEVEL
) -> PooledPrecision:
    """Return the intervals to expect from sites of equal size.

    Parameters
    ----------
    variance
        Sampling variance of one site's estimate.
    tau
        Standard deviation of the true values between sites.

    Notes
    -----
    Stratified: ``z sqrt(v / k)``. Random effects by Knapp and Hartung: ``t sqrt((v + tau^2) / k)``
    with k - 1 degrees of freedom. A new site by Higgins, Thompson and Spiegelhalter (J R Stat Soc A
    2009;172:137): ``t sqrt(tau^2 + (v + tau^2) / k)`` with k - 2, so it needs three sites.

    Examples
    --------
    >>> p = pooled_precision(0.85, 0.00011, 5, tau=0.02)
    >>> [round(e.upper - e.value, 3) for e in (p.stratified, p.random_effects, p.prediction)]
    [0.009, 0.028, 0.071]
    """
    require_level(level)
    require_at_least(sites, 3)
    require_positive(variance, "variance")
    if not tau >= 0:
        raise ValueError("tau cannot be negative")
    tail, mean_variance = 0.5 + level / 2, (variance + tau**2) / sites
    halves = (
        float(stats.norm.ppf(tail)) * math.sqrt(variance / sites),
        float(stats.t.ppf(tail, sites - 1)) * math.sqrt(mean_variance),
        float(stats.t.ppf(tail, sites - 2)) * math.sqrt(tau**2 + mean_variance),
    )
    names = ("stratified", "Knapp-Hartung", "prediction interval")
    return PooledPrecision(*(
        planned(value, _around(value, half), n=sites, level=level, method=name)
        for half, name in zip(halves, names, strict=True)
    ))  # fmt: skip


def planned(
    value: float, bounds: tuple[float, float], *, n: int, level: float, method: str
) -> Estimate:
    """Return an assumption with the interval to expect around it."""
    return Estimate(value, *bounds, level, n, n, 0, f"{method}, planned", flags=PLANNED)


def require_share(value: float, name: str) -> None:
    """Refuse what does not lie strictly between 0 and 1."""
    if not 0 < value < 1:
        raise ValueError(f"{name} must lie strictly between 0 and 1, not {value!r}")


def require_at_least(n: int, smallest: int) -> None:
    """Refuse a number too small for the formula."""
    if n < smallest:
        raise ValueError(f"at least {smallest} needed, not {n}")


def require_positive(value: float, name: str) -> None:
    """Refuse what is not a positive number."""
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be a positive number, not {value!r}")


def _around(value: float, half: float) -> tuple[float, float]:
    return value - half, value + half


def _effective(n: int, design_effect: float) -> float:
    require_at_least(n, 1)
    require_positive(design_effect, "design_effect")
    return n / design_effect
