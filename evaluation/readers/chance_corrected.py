"""Kappa: agreement of readers beyond chance."""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from evaluation.statistics import DEFAULT_LEVEL, Comparison, require_level

_Array = NDArray[np.float64]
_WEIGHTS = ("none", "linear", "quadratic")
_NO_SPREAD = "no variance: no interval"


def kappa(table: ArrayLike, *, weights: str = "none", level: float = DEFAULT_LEVEL) -> Comparison:
    """Estimate Cohen's kappa from a square table of counts, with a test against chance.

    Parameters
    ----------
    table
        Counts, first reader by second reader, shape (k, k), ordered alike.
    weights
        ``none``, ``linear`` or ``quadratic``.

    Returns
    -------
    Comparison
        An interval that would leave [-1, 1] is cut off there and flagged. Without a value where
        there is no case, or where both readers used one category only.

    Raises
    ------
    ValueError
        If the table is not square, or its cells are no whole numbers from 0 upwards.

    Notes
    -----
    Standard errors of Fleiss JL, Cohen J, Everitt BS, Psychol Bull 1969;72:323: one for the
    interval, one under the hypothesis of chance for the test.

    Examples
    --------
    >>> round(kappa([[20, 5], [10, 15]]).value, 3)
    0.4
    """
    require_level(level)
    counts = _counts(table)
    if counts.shape[0] != counts.shape[1]:
        raise ValueError("the table must be square: the same categories for both readers")
    if weights not in _WEIGHTS:
        raise ValueError(f"unknown weights {weights!r}: choose one of {', '.join(_WEIGHTS)}")
    n, name = int(counts.sum()), f"kappa, weights {weights}"
    p = counts / n if n else counts
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    w = _agreement_weights(len(p), weights)
    observed, chance = float(np.sum(w * p)), float(rows @ w @ columns)
    if n == 0 or chance >= 1:
        reason = "no observation" if n == 0 else "both readers used one category only"
        return _nothing(n, name, reason, level=level)
    value = (observed - chance) / (1 - chance)
    shift = (w @ columns)[:, None] + (rows @ w)[None, :]
    spread = float(np.sum(p * (w - shift * (1 - value)) ** 2))
    spread -= (value - chance * (1 - value)) ** 2
    null = float(np.sum(np.outer(rows, columns) * (w - shift) ** 2)) - chance**2
    half = float(stats.norm.ppf(0.5 + level / 2)) * _root(spread / n) / (1 - chance)
    plain = Comparison(value, value - half, value + half, level, n, n, 0, name)
    return _tested(plain, _root(null / n) / (1 - chance))


def fleiss_kappa(counts: ArrayLike, *, level: float = DEFAULT_LEVEL) -> Comparison:
    """Estimate Fleiss' kappa of several readers, with a test against chance.

    Parameters
    ----------
    counts
        How many readers chose the category, shape (cases, categories); every row has the same sum.

    Returns
    -------
    Comparison
        The test uses the standard error under chance; the interval does not, since that one holds
        only where there is no agreement: it comes from the spread of the cases around kappa.

    Raises
    ------
    ValueError
        If cases have different numbers of readers, fewer than two, or no whole numbers.

    Notes
    -----
    Fleiss JL, Psychol Bull 1971;76:378; test: Fleiss JL, Nee JCM, Landis JR, Psychol Bull
    1979;86:974; interval: linearised variance with cases as sampling units, Gwet KL, Br J Math Stat
    Psychol 2008;61:29, and Student's t with one degree of freedom less than cases.
    """
    require_level(level)
    table = _counts(counts)
    sums = table.sum(axis=1)
    if len(table) == 0 or np.ptp(sums) or sums[0] < 2:
        raise ValueError("every case needs the same number of readers, at least two")
    n, m, name = len(table), float(sums[0]), "Fleiss kappa"
    p = table.sum(axis=0) / (n * m)
    chance = float(np.sum(p**2))
    if chance >= 1:
        return _nothing(n, name, "one category only", level=level)
    agreed = (np.sum(table**2, axis=1) - m) / (m * (m - 1))
    value = (float(agreed.mean()) - chance) / (1 - chance)
    q = 1 - p
    spread = float(np.sum(p * q)) ** 2 - float(np.sum(p * q * (q - p)))
    null = _root(2 * spread / (n * m * (m - 1))) / float(np.sum(p * q))
    own = (agreed - chance) / (1 - chance)
    own = own - 2 * (1 - value) * (table @ p / m - chance) / (1 - chance)
    if n < 2:
        plain = Comparison(value, None, None, level, n, n, 0, name, flags=("no_interval",),
                           reason="one case only: no interval")  # fmt: skip
    else:
        half = float(stats.t.ppf(0.5 + level / 2, n - 1)) * float(own.std(ddof=1)) / math.sqrt(n)
        plain = Comparison(value, value - half, value + half, level, n, n, 0, name)
    return _tested(plain, null)


def _counts(table: ArrayLike) -> _Array:
    counts = np.asarray(table, dtype=float)
    if counts.ndim != 2:
        raise ValueError("the table of counts must have two dimensions")
    if not np.all(np.isfinite(counts)) or np.any(counts < 0) or np.any(counts % 1):
        raise ValueError("counts must be whole numbers that are not negative")
    return counts


def _nothing(n: int, name: str, reason: str, *, level: float) -> Comparison:
    return Comparison(
        None, None, None, level, n, n, 0, name, flags=("not_estimable",), reason=reason
    )


def _tested(e: Comparison, null: float) -> Comparison:
    """Return the estimate with its test; cut off at [-1, 1], and without an interval of width 0."""
    value, lower, upper = e.value, e.lower, e.upper
    if value is None:
        return e
    if null > 0:
        z = value / null
        e = replace(e, statistic=z, p_value=float(2 * stats.norm.sf(abs(z))))
    if lower is None or upper is None:
        return e
    if upper - lower < 1e-12:
        return replace(e, lower=None, upper=None, flags=("no_interval",), reason=_NO_SPREAD)
    if lower < -1 or upper > 1:
        return replace(e, lower=max(-1.0, lower), upper=min(1.0, upper), flags=("cut_off",))
    return e


def _root(variance: float) -> float:
    # Rounding leaves -1e-17 where the variance is zero.
    return math.sqrt(variance) if variance > 1e-15 else 0.0


def _agreement_weights(k: int, weights: str) -> _Array:
    distance = np.abs(np.subtract.outer(np.arange(k), np.arange(k))) / max(1, k - 1)
    if weights == "none":
        return np.eye(k)
    return np.asarray(1 - (distance if weights == "linear" else distance**2))
