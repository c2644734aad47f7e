"""The spread of the differences of two methods, and where the limits of agreement lie.

Bland JM, Altman DG, Lancet 1986;i:307; Stat Methods Med Res 1999;8:135; J Biopharm Stat 2007;17:571.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from evaluation.agreement.pairs import Pairs

_Array = NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """Variance of one difference, the two-sided interval of that variance, and its parts."""

    variance: float
    lower: float
    upper: float
    within: float | None = None
    between: float | None = None


def spread_of_singles(difference: _Array, *, level: float) -> Spread:
    """Return the variance of one difference per participant."""
    variance, df = float(difference.var(ddof=1)), len(difference) - 1
    return Spread(variance, *_variance_bounds(variance, df, level))


def spread_of_varying(pairs: Pairs, *, level: float) -> Spread:
    """Return the variance of a difference when the true value varies within the participant.

    One-way analysis of variance of the differences; 2007 paper, section 3.
    """
    difference, sizes = pairs.x - pairs.y, np.bincount(pairs.subject)
    n, clusters = pairs.n, len(sizes)
    means = np.bincount(pairs.subject, weights=difference) / sizes
    between_ms = float(np.sum(sizes * (means - difference.mean()) ** 2)) / (clusters - 1)
    within_ms = float(np.sum((difference - means[pairs.subject]) ** 2)) / (n - clusters)
    m0 = (n**2 - float(np.sum(sizes**2))) / ((clusters - 1) * n)
    # Not cut off at the within variance: a negative between component only corrects for chance,
    # and cutting it would make the limits too wide on average.
    parts = [(between_ms / m0, clusters - 1), ((1 - 1 / m0) * within_ms, n - clusters)]
    between = max(0.0, (between_ms - within_ms) / m0)
    return _summed(parts, within=within_ms, between=between, level=level)


def spread_of_constant(pairs: Pairs, *, level: float) -> Spread:
    """Return the variance of a difference when the true value of a participant is constant.

    Variance of the participants' mean differences, with the variance within participants that
    averaging took away given back: ``(1 - mean(1 / m)) (s_x^2 + s_y^2)``; 2007 paper, section 2.
    """
    sizes = np.bincount(pairs.subject)
    n, clusters = pairs.n, len(sizes)
    means, within = [], []
    for values in (pairs.x, pairs.y):
        mean = np.bincount(pairs.subject, weights=values) / sizes
        means.append(mean)
        within.append(float(np.sum((values - mean[pairs.subject]) ** 2)) / (n - clusters))
    of_means = float((means[0] - means[1]).var(ddof=1))
    taken = 1 - float(np.mean(1 / sizes))
    parts = [(of_means, clusters - 1), *((taken * w, n - clusters) for w in within)]
    between = max(0.0, of_means - (1 - taken) * sum(within))
    return _summed(parts, within=sum(within), between=between, level=level)


def _summed(
    parts: list[tuple[float, int]], *, within: float, between: float, level: float
) -> Spread:
    """Return the sum of independent variances with its interval by MOVER."""
    variance, below, above = sum(share for share, _ in parts), 0.0, 0.0
    for share, df in parts:
        low, high = _variance_bounds(share, df, level)
        below, above = below + (share - low) ** 2, above + (high - share) ** 2
    low = max(0.0, variance - math.sqrt(below))
    return Spread(variance, low, variance + math.sqrt(above), within, between)


def _variance_bounds(variance: float, df: int, level: float) -> tuple[float, float]:
    tail = (1 - level) / 2
    low = variance * df / float(stats.chi2.ppf(1 - tail, df))
    return low, variance * df / float(stats.chi2.ppf(tail, df))


def delta_bounds(
    value: float, sd: float, *, multiplier: float, n: int, level: float, approximate: bool
) -> tuple[float, float]:
    """Return Student's interval of a limit; ``approximate`` takes the 1986 paper's ``3 / n``."""
    part = 3 / n if approximate else 1 / n + multiplier**2 / (2 * (n - 1))
    half = float(stats.t.ppf(0.5 + level / 2, n - 1)) * sd * math.sqrt(part)
    return value - half, value + half


def exact_bounds(
    centre: float, sd: float, *, multiplier: float, n: int, level: float
) -> tuple[float, float]:
    """Return the exact interval of a limit of normal differences.

    ``sqrt(n) (limit - mean) / s`` follows the noncentral t distribution with n - 1 degrees of
    freedom and noncentrality ``z sqrt(n)``: Carkeet A, Optom Vis Sci 2015;92:e71.
    """
    tails = [(1 - level) / 2, (1 + level) / 2]
    shift = abs(multiplier) * math.sqrt(n)
    near, far = (float(stats.nct.ppf(p, n - 1, shift)) * sd / math.sqrt(n) for p in tails)
    return (centre + near, centre + far) if multiplier > 0 else (centre - far, centre - near)
