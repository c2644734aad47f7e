"""Equivalence of two measurements: two one-sided tests of the mean difference or ratio."""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from evaluation.agreement.pairs import complete_pairs
from evaluation.statistics import DEFAULT_LEVEL, Comparison, clustered_mean, require_level


def equivalence(
    x: ArrayLike,
    y: ArrayLike,
    *,
    margin: float | tuple[float, float],
    subject: ArrayLike | None = None,
    log: bool = False,
    level: float = DEFAULT_LEVEL,
    unit: str = "",
) -> Comparison:
    """Test that the mean of ``x - y`` lies within a margin stated beforehand.

    Parameters
    ----------
    x, y
        Values of the two methods, shape (n,); pairs with NaN count as missing.
    margin
        ``d`` for ``-d`` to ``d``, or both bounds. With ``log`` the bounds of the ratio: 1.25 for
        0.8 to 1.25.
    subject
        Participant of each pair; with several pairs the standard error is cluster-robust, with
        K - 1 degrees of freedom.
    log
        Compare the geometric mean of the ratio ``x / y``; pairs that are not positive count as
        missing. Value and interval are ratios.
    level
        ``1 - alpha`` of each one-sided test. The interval has the level ``1 - 2 alpha`` (90 % by
        default, as the result's ``level`` says): it lies inside the margin exactly when both tests
        reject.

    Returns
    -------
    Comparison
        ``p_value`` is the larger of the two one-sided p-values: small speaks for equivalence.
        ``statistic`` is the t of that test, its distance from the margin in standard errors.

    Raises
    ------
    ValueError
        For a margin that does not hold "no difference", or a level of 0.5 or less.

    Notes
    -----
    Schuirmann DJ, J Pharmacokinet Biopharm 1987;15:657.

    Examples
    --------
    >>> e = equivalence([1.0, 2.1, 2.9, 4.0], [1.1, 2.0, 3.0, 4.1], margin=0.5)
    >>> round(e.value, 3), round(e.level, 2), e.p_value < 0.05
    (-0.05, 0.9, True)
    """
    require_level(level)
    if level <= 0.5:
        raise ValueError(f"level must be above 0.5 for one-sided tests, not {level!r}")
    low, high = _bounds(margin, log=log)
    pairs = complete_pairs(x, y, subject, positive=log)
    difference = np.log(pairs.x / pairs.y) if log else pairs.x - pairs.y
    inner = 2 * level - 1
    e = clustered_mean(difference, pairs.subject, level=inner)
    shown = f"{math.exp(low):g} to {math.exp(high):g}" if log else f"{low:g} to {high:g}"
    blank = Comparison(
        None, None, None, inner, pairs.n, pairs.clusters, pairs.missing,
        f"two one-sided tests, {shown}", "ratio" if log else unit, e.flags, e.reason,
    )  # fmt: skip
    back = math.exp if log else float
    if e.value is None or e.lower is None or e.upper is None:
        return replace(blank, value=None if e.value is None else back(e.value))
    result = replace(blank, value=back(e.value), lower=back(e.lower), upper=back(e.upper))
    half, df = e.upper - e.value, pairs.clusters - 1
    if half == 0:
        return replace(result, reason="all differences are equal: no test")
    se = half / float(stats.t.ppf(level, df))
    t = min((e.value - low) / se, (high - e.value) / se)
    return replace(result, statistic=t, p_value=float(stats.t.sf(t, df)))


def _bounds(margin: float | tuple[float, float], *, log: bool) -> tuple[float, float]:
    """Return the bounds of the difference, of logarithms for a ratio."""
    none = 1.0 if log else 0.0
    if isinstance(margin, tuple):
        low, high = margin
    else:
        low, high = (1 / margin if margin else math.nan, margin) if log else (-margin, margin)
    if not (
        math.isfinite(low) and math.isfinite(high) and low < none < high and (low > 0 or not log)
    ):
        what = "a ratio above 1, or two around it" if log else "positive, or two around 0"
        raise ValueError(f"margin must be {what}, not {margin!r}")
    return (math.log(low), math.log(high)) if log else (low, high)
