"""Signal detection: how far apart two kinds of image are for a reader, and where the reader cuts."""

import math
from dataclasses import dataclass

from scipy import stats

from evaluation.statistics import DEFAULT_LEVEL, Estimate, not_estimable, require_level

CORRECTIONS = ("none", "loglinear")


@dataclass(frozen=True)
class Discriminability:
    """``d_prime`` is 0 for a reader who guesses; ``criterion`` is 0 for one without preference.

    A positive criterion says that the reader was slow to call an image synthetic.
    """

    d_prime: Estimate
    criterion: Estimate


def d_prime(
    hits: int,
    signals: int,
    false_alarms: int,
    noises: int,
    *,
    correction: str = "none",
    level: float = DEFAULT_LEVEL,
) -> Discriminability:
    """Estimate d' and the criterion of the equal-variance normal model.

    Parameters
    ----------
    hits, signals
        Synthetic images called synthetic, of how many.
    false_alarms, noises
        Real images called synthetic, of how many.
    correction
        ``none``: with a rate of 0 or 1 there is no estimate, since d' would be infinite.
        ``loglinear`` (Hautus 1995): both rates become ``(x + 0.5) / (n + 1)``, always, and the
        method says so.

    Raises
    ------
    ValueError
        For impossible counts or an unknown correction.

    Notes
    -----
    ``d' = z(H) - z(F)``, ``c = -(z(H) + z(F)) / 2``; the variance of each z is
    ``p (1 - p) / (n phi(z)^2)``: Gourevitch V, Galanter E, Psychometrika 1967;32:25. Hautus MJ,
    Behav Res Methods 1995;27:46.

    Examples
    --------
    >>> found = d_prime(80, 100, 30, 100)
    >>> round(found.d_prime.value, 3), round(found.criterion.value, 3)
    (1.366, -0.159)
    """
    require_level(level)
    if not (0 <= hits <= signals and 0 <= false_alarms <= noises):
        raise ValueError("hits and false alarms must lie between 0 and their number of images")
    n, name = signals + noises, method_of(correction)
    reason = _reason(hits, signals, false_alarms, noises, correction=correction)
    if reason:
        none = not_estimable(reason, level=level, n=n, clusters=n, method=name)
        return Discriminability(none, none)
    z, variance = [], 0.0
    for count, total in ((hits, signals), (false_alarms, noises)):
        p = rate(count, total, correction)
        z.append(float(stats.norm.ppf(p)))
        variance += p * (1 - p) / (total * float(stats.norm.pdf(z[-1])) ** 2)
    half = float(stats.norm.ppf(0.5 + level / 2)) * math.sqrt(variance)
    apart, cut = z[0] - z[1], -(z[0] + z[1]) / 2
    return Discriminability(
        Estimate(apart, apart - half, apart + half, level, n, n, 0, name),
        Estimate(cut, cut - half / 2, cut + half / 2, level, n, n, 0, name),
    )


def rate(count: int, total: int, correction: str) -> float:
    """Return a rate, corrected only where that was asked for."""
    return (count + 0.5) / (total + 1) if correction == "loglinear" else count / total


def method_of(correction: str) -> str:
    """Return the name of the method; refuse an unknown correction."""
    if correction not in CORRECTIONS:
        raise ValueError(f"unknown correction {correction!r}: choose {' or '.join(CORRECTIONS)}")
    suffix = ", log-linear correction (+0.5, +1)" if correction == "loglinear" else ""
    return f"Gourevitch-Galanter{suffix}"


def _reason(hits: int, signals: int, false_alarms: int, noises: int, *, correction: str) -> str:
    if signals == 0 or noises == 0:
        return f"no {'synthetic' if signals == 0 else 'real'} image was judged"
    if correction == "none" and (hits in (0, signals) or false_alarms in (0, noises)):
        what = "synthetic" if hits in (0, signals) else "real"
        return (
            f"all or none of the {what} images were called synthetic: d' is infinite; only "
            "correction='loglinear' gives a number"
        )
    return ""
