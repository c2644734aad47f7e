"""Kappa: agreement of readers beyond chance."""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from evaluation.statistics import DEFAULT_LEVEL, Comparison, require_level

_WEIGHTS = ("none", "linear", "quadratic")


def kappa(table: ArrayLike, *, weights: str = "none", level: float = DEFAULT_LEVEL) -> Comparison:
    """Estimate Cohen's kappa from a square table of counts, with a test against chance.

    Parameters
    ----------
    table
        Counts, first reader by second reader, shape (k, k).
    weights
        ``none``, ``linear`` or ``quadratic``.

    Notes
    -----
    Standard errors of Fleiss JL, Cohen J, Everitt BS, Psychol Bull 1969;72:323: one for the
    interval, one under the hypothesis of chance for the test.
    """
    require_level(level)
    counts = np.asarray(table, dtype=float)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or np.any(counts < 0):
        raise ValueError("the table must be square with counts that are not negative")
    if weights not in _WEIGHTS:
        raise ValueError(f"unknown weights {weights!r}: choose one of {', '.join(_WEIGHTS)}")
    n, name = int(counts.sum()), f"kappa, weights {weights}"
    p = counts / n if n else counts
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    w = _agreement_weights(len(p), weights)
    observed, chance = float(np.sum(w * p)), float(rows @ w @ columns)
    if n == 0 or chance >= 1:
        reason = "no observation" if n == 0 else "both readers used one category only"
        return Comparison(None, None, None, level, n, n, 0, name, flags=("not_estimable",),
                          reason=reason)  # fmt: skip
    value = (observed - chance) / (1 - chance)
    shift = (w @ columns)[:, None] + (rows @ w)[None, :]
    spread = float(np.sum(p * (w - shift * (1 - value)) ** 2))
    se = math.sqrt(max(0.0, spread - (value - chance * (1 - value)) ** 2) / n) / (1 - chance)
    null = float(np.sum(np.outer(rows, columns) * (w - shift) ** 2)) - chance**2
    z = value / (math.sqrt(null / n) / (1 - chance))
    half = float(stats.norm.ppf(0.5 + level / 2)) * se
    return Comparison(
        value, value - half, value + half, level, n, n, 0, name, statistic=z,
        p_value=float(2 * stats.norm.sf(abs(z))),
    )  # fmt: skip


def fleiss_kappa(counts: ArrayLike, *, level: float = DEFAULT_LEVEL) -> Comparison:
    """Estimate Fleiss' kappa of several readers, with a test against chance.

    ``counts`` has the shape (cases, categories): how many readers chose the category; every row
    has the same sum. The interval uses the standard error under chance and is approximate.
    """
    require_level(level)
    table = np.asarray(counts, dtype=float)
    sums = table.sum(axis=1)
    if table.ndim != 2 or len(table) == 0 or np.ptp(sums) or sums[0] < 2:
        raise ValueError("every case needs the same number of readers, at least two")
    n, m = len(table), float(sums[0])
    p = table.sum(axis=0) / (n * m)
    chance = float(np.sum(p**2))
    if chance >= 1:
        return Comparison(None, None, None, level, n, n, 0, "Fleiss kappa",
                          flags=("not_estimable",), reason="one category only")  # fmt: skip
    observed = float(np.mean((np.sum(table**2, axis=1) - m) / (m * (m - 1))))
    value = (observed - chance) / (1 - chance)
    q = 1 - p
    spread = float(np.sum(p * q)) ** 2 - float(np.sum(p * q * (q - p)))
    se = math.sqrt(2 * spread / (n * m * (m - 1))) / float(np.sum(p * q))
    half = float(stats.norm.ppf(0.5 + level / 2)) * se
    return Comparison(
        value, value - half, value + half, level, n, n, 0, "Fleiss kappa", statistic=value / se,
        p_value=float(2 * stats.norm.sf(abs(value / se))),
    )  # fmt: skip


def _agreement_weights(k: int, weights: str) -> np.ndarray:
    distance = np.abs(np.subtract.outer(np.arange(k), np.arange(k))) / max(1, k - 1)
    if weights == "none":
        return np.eye(k)
    return 1 - (distance if weights == "linear" else distance**2)
