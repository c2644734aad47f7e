"""Precision and power to expect of areas under ROC curves."""

import math

from scipy import special, stats

from evaluation.statistics.estimates import DEFAULT_LEVEL, Estimate, require_level
from evaluation.statistics.power import DetectableDifference, Power, normal_quantiles
from evaluation.statistics.precision import (
    planned,
    require_at_least,
    require_positive,
    require_share,
)


def auc_variance(
    area: float, positives: int, negatives: int, *, method: str = "hanley_mcneil"
) -> float:
    """Return the sampling variance to expect of an area under the ROC curve.

    Parameters
    ----------
    method
        ``hanley_mcneil`` (negative exponential scores) or ``binormal`` (normal scores of equal
        variance: the expectation of DeLong's variance).

    Notes
    -----
    ``(A (1 - A) + (m - 1) (Q1 - A^2) + (n - 1) (Q2 - A^2)) / (m n)`` with Q1 the chance that two
    positives outrank a negative and Q2 that a positive outranks two negatives: Hanley JA, McNeil
    BJ, Radiology 1982;143:29. For normal scores both are ``Phi(h) - 2 T(h, 1/sqrt(3))`` with
    ``h = Phi^-1(A)`` and Owen's T.
    """
    require_share(area, "area")
    require_at_least(positives, 1)
    require_at_least(negatives, 1)
    if method == "hanley_mcneil":
        q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    elif method == "binormal":
        h = float(special.ndtri(area))
        q1 = q2 = area - 2 * float(special.owens_t(h, 1 / math.sqrt(3)))
    else:
        raise ValueError(f"unknown method {method!r}: choose hanley_mcneil or binormal")
    square, m, n = area**2, positives, negatives
    return (area * (1 - area) + (m - 1) * (q1 - square) + (n - 1) * (q2 - square)) / (m * n)


def auc_precision(
    area: float,
    positives: int,
    negatives: int,
    *,
    method: str = "hanley_mcneil",
    level: float = DEFAULT_LEVEL,
    design_effect: float = 1.0,
) -> Estimate:
    """Return the interval to expect of an area under the ROC curve, cut at 0 and 1.

    Examples
    --------
    >>> e = auc_precision(0.85, 3000, 7000)
    >>> round(e.upper - e.value, 3)
    0.009
    """
    require_level(level)
    require_positive(design_effect, "design_effect")
    variance = design_effect * auc_variance(area, positives, negatives, method=method)
    half = float(stats.norm.ppf(0.5 + level / 2)) * math.sqrt(variance)
    bounds = max(0.0, area - half), min(1.0, area + half)
    return planned(area, bounds, n=positives + negatives, level=level, method=method)


def auc_power(area: float, positives: int, negatives: int, *, alpha: float = 0.05) -> Power:
    """Return the power of the two-sided test that an area under the ROC curve is 0.5.

    Notes
    -----
    Obuchowski NA, Lieber ML, Wians FH, Clin Chem 2004;50:1118, after Obuchowski and McClish, Stat
    Med 1997;16:1529: ``V = 0.0099 exp(-A^2 / 2) (5 A^2 + 8 + (A^2 + 8) / k)`` with
    ``A = 1.414 Phi^-1(area)`` and k negatives per positive; under the null ``0.0792 (1 + 1 / k)``.
    The constants have these digits in print and are kept, so that programs agree.

    Examples
    --------
    >>> round(auc_power(0.73, 41, 72).power, 7)
    0.9897453
    """
    require_share(area, "area")
    require_share(alpha, "alpha")
    if positives < 1 or negatives < 1:
        raise ValueError("both classes need at least one observation")
    ratio = negatives / positives
    a2 = (1.414 * float(special.ndtri(area))) ** 2
    under_null = 0.0792 * (1 + 1 / ratio)
    variance = 0.0099 * math.exp(-a2 / 2) * (5 * a2 + 8 + (a2 + 8) / ratio)
    z = float(stats.norm.isf(alpha / 2))
    shift = math.sqrt(positives) * abs(area - 0.5)
    power = float(stats.norm.cdf((shift - z * math.sqrt(under_null)) / math.sqrt(variance)))
    return Power(power, positives + negatives, alpha, "Obuchowski, normal")


def auc_detectable(
    area: float,
    positives: int,
    negatives: int,
    *,
    correlation: float,
    power: float = 0.80,
    alpha: float = 0.05,
    method: str = "hanley_mcneil",
) -> DetectableDifference:
    """Return the difference of two paired areas that is detected with the given power.

    ``(z_alpha/2 + z_power) sqrt(2 V (1 - r))`` with the variance V of one area and the correlation
    r of the two.

    Examples
    --------
    >>> round(auc_detectable(0.85, 3000, 7000, correlation=0.6).difference, 3)
    0.012
    """
    if not -1 <= correlation < 1:
        raise ValueError("correlation must lie between -1 and 1")
    z = normal_quantiles(alpha, power)
    variance = auc_variance(area, positives, negatives, method=method)
    difference = sum(z) * math.sqrt(2 * variance * (1 - correlation))
    n = positives + negatives
    return DetectableDifference(difference, n, power, alpha, f"paired areas, {method}")
