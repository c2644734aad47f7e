"""Bounds of a binomial proportion by each method; counts need not be whole when planned."""

import math
from collections.abc import Callable

from scipy import special, stats


def wilson(x: float, n: float, level: float) -> tuple[float, float]:
    """Return the score interval."""
    z = float(stats.norm.ppf(0.5 + level / 2))
    p = x / n
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    # At 0 and n the limits are exactly 0 and 1; rounding would leave 1e-17.
    return (0.0 if x == 0 else centre - half), (1.0 if x == n else centre + half)


def _wilson_cc(x: float, n: float, level: float) -> tuple[float, float]:
    z = float(stats.norm.ppf(0.5 + level / 2))
    p, q, scale = x / n, 1 - x / n, 2 * (n + z**2)
    lower_root = math.sqrt(z**2 - 2 - 1 / n + 4 * p * (n * q + 1)) if x > 0 else 0.0
    upper_root = math.sqrt(z**2 + 2 - 1 / n + 4 * p * (n * q - 1)) if x < n else 0.0
    lower = (2 * n * p + z**2 - 1 - z * lower_root) / scale
    upper = (2 * n * p + z**2 + 1 + z * upper_root) / scale
    return (0.0 if x == 0 else max(0.0, lower)), (1.0 if x == n else min(1.0, upper))


def _clopper_pearson(x: float, n: float, level: float) -> tuple[float, float]:
    tail = (1 - level) / 2
    lower = 0.0 if x == 0 else float(stats.beta.ppf(tail, x, n - x + 1))
    upper = 1.0 if x == n else float(stats.beta.ppf(1 - tail, x + 1, n - x))
    return lower, upper


def _logit(x: float, n: float, level: float) -> tuple[float, float]:
    half = float(stats.norm.ppf(0.5 + level / 2)) / math.sqrt(x * (1 - x / n))
    centre = math.log(x / (n - x))
    return float(special.expit(centre - half)), float(special.expit(centre + half))


BOUNDS: dict[str, Callable[[float, float, float], tuple[float, float]]] = {
    "wilson": wilson,
    "wilson_cc": _wilson_cc,
    "clopper_pearson": _clopper_pearson,
    "logit": _logit,
}


def proportion_bounds(
    successes: float, n: float, *, method: str, level: float
) -> tuple[float, float]:
    """Return the bounds alone; the counts need not be whole, as when an interval is planned."""
    if method not in BOUNDS:
        raise ValueError(f"unknown method {method!r}: choose one of {', '.join(sorted(BOUNDS))}")
    return BOUNDS[method](successes, n, level)
