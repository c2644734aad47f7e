"""Power, sample size and the smallest difference that a plan can detect."""

import math
from dataclasses import dataclass

from scipy import optimize, stats

from evaluation.statistics.estimates import DEFAULT_LEVEL, Estimate
from evaluation.statistics.precision import proportion_precision, require_share


@dataclass(frozen=True)
class SampleSize:
    """The smallest number that gives the interval asked for, with that interval."""

    n: int
    expected: Estimate


@dataclass(frozen=True)
class Power:
    """Chance of a significant two-sided test when the assumption is true."""

    power: float
    n: int
    alpha: float
    method: str


@dataclass(frozen=True)
class DetectableDifference:
    """The smallest true difference found with the given power; None, with a reason, if none is."""

    difference: float | None
    n: int
    power: float
    alpha: float
    method: str
    reason: str = ""


def proportion_sample_size(
    proportion: float,
    half_width: float,
    *,
    method: str = "wilson",
    level: float = DEFAULT_LEVEL,
    design_effect: float = 1.0,
) -> SampleSize:
    """Return the smallest n at which half the interval's length is at most ``half_width``.

    Examples
    --------
    >>> proportion_sample_size(0.90, 0.035).n
    286
    """
    require_share(half_width, "half_width")

    def expected(n: int) -> Estimate:
        return proportion_precision(
            proportion, n, method=method, level=level, design_effect=design_effect
        )

    def enough(n: int) -> bool:
        e = expected(n)
        return e.upper is not None and e.lower is not None and e.upper - e.lower <= 2 * half_width

    low, high = 0, 1
    while not enough(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return SampleSize(high, expected(high))


def paired_proportion_detectable(
    n: int, discordant: float, *, power: float = 0.80, alpha: float = 0.05
) -> DetectableDifference:
    """Return the difference of two paired proportions that McNemar's test detects.

    Parameters
    ----------
    n
        Pairs, for example participants with the condition.
    discordant
        Share of pairs in which the two tests differ.

    Notes
    -----
    Solves ``sqrt(n) d = z_alpha/2 sqrt(p) + z_power sqrt(p - d^2)`` (Connor RJ, Biometrics
    1987;43:207); no difference can exceed the share of discordant pairs.

    Examples
    --------
    >>> round(100 * paired_proportion_detectable(1000, 0.10).difference, 1)
    2.8
    """
    require_share(discordant, "discordant")
    if n < 1:
        raise ValueError("at least one pair needed")
    z_alpha, z_power = normal_quantiles(alpha, power)

    def excess(d: float) -> float:
        spread = math.sqrt(max(0.0, discordant - d**2))
        return math.sqrt(n) * d - z_alpha * math.sqrt(discordant) - z_power * spread

    name = "McNemar, Connor 1987"
    if excess(discordant) < 0:
        reason = "no difference that this share of discordant pairs allows reaches the power"
        return DetectableDifference(None, n, power, alpha, name, reason)
    root = float(optimize.brentq(excess, 0.0, discordant, xtol=1e-14))
    return DetectableDifference(root, n, power, alpha, name)


def normal_quantiles(alpha: float, power: float) -> tuple[float, float]:
    """Return the normal quantiles of a two-sided test and of its power."""
    require_share(alpha, "alpha")
    require_share(power, "power")
    return float(stats.norm.isf(alpha / 2)), float(stats.norm.ppf(power))
