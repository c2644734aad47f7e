"""Correlation: how closely two measurements rise together, which is not agreement."""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from evaluation.agreement.pairs import Pairs, complete_pairs, constant
from evaluation.statistics import (
    DEFAULT_LEVEL,
    Estimate,
    SumStatistic,
    WeightedStatistic,
    bootstrap,
    require_level,
)

_Array = NDArray[np.float64]
_METHODS = ("pearson", "spearman", "kendall")


def correlation(
    x: ArrayLike,
    y: ArrayLike,
    *,
    method: str = "pearson",
    subject: ArrayLike | None = None,
    seed: int | None = None,
    replicates: int = 2000,
    level: float = DEFAULT_LEVEL,
) -> Estimate:
    """Estimate a correlation with Fisher's z interval; it describes, it is not agreement.

    Parameters
    ----------
    method
        ``pearson``, ``spearman`` (midranks) or ``kendall`` (tau-b).
    subject
        Participant of each pair; when one has several, ``seed`` is required, the interval is a
        cluster bootstrap. Not offered for ``kendall``.

    Raises
    ------
    ValueError
        For an unknown method, lengths that differ, infinite values or clustered pairs without a
        seed.

    Notes
    -----
    The variance of Fisher's z is ``1 / (n - 3)``, ``(1 + r^2 / 2) / (n - 3)`` and
    ``0.437 / (n - 4)``: Bonett DG, Wright TA, Psychometrika 2000;65:23.

    Examples
    --------
    >>> r = correlation([1.0, 2.0, 3.0, 4.0, 5.0], [1.1, 1.9, 3.2, 3.9, 5.1])
    >>> round(r.value, 4)
    0.9964
    """
    require_level(level)
    if method not in _METHODS:
        raise ValueError(f"unknown method {method!r}: choose one of {', '.join(_METHODS)}")
    pairs = complete_pairs(x, y, subject)
    least = 5 if method == "kendall" else 4
    blank = Estimate(
        None, None, None, level, pairs.n, pairs.clusters, pairs.missing, f"{method}, Fisher z",
        flags=("not_estimable",),
    )  # fmt: skip
    if pairs.n < least:
        return replace(blank, reason=f"fewer than {'five' if least == 5 else 'four'} pairs")
    if constant(pairs.x) or constant(pairs.y):
        return replace(blank, reason="one variable is constant")
    blank = replace(blank, flags=())
    if not pairs.replicated:
        return _independent(pairs, method, blank)
    if method == "kendall":
        raise ValueError("kendall takes one pair per participant")
    if seed is None:
        raise ValueError("several pairs per participant: give a seed for the bootstrap")
    statistic = _pearson_statistic(pairs) if method == "pearson" else _spearman_statistic(pairs)
    e = bootstrap(statistic, pairs.subject, seed=seed, replicates=replicates, level=level)
    return replace(
        blank, value=e.value, lower=e.lower, upper=e.upper, flags=e.flags, reason=e.reason,
        method=f"{method}, {e.method}",
    )  # fmt: skip


def _independent(pairs: Pairs, method: str, blank: Estimate) -> Estimate:
    n, a, b = pairs.n, pairs.x, pairs.y
    if method == "spearman":
        a, b = stats.rankdata(a), stats.rankdata(b)
    if method == "kendall":
        # Its test is not used, so neither is its exact distribution.
        r = float(stats.kendalltau(a, b, method="asymptotic").statistic)
    else:
        r = float(np.clip(np.corrcoef(a, b)[0, 1], -1, 1))
    if abs(r) > 1 - 1e-15:
        return replace(
            blank, value=r, flags=("perfect",), reason="perfect correlation: no interval"
        )
    variance = {
        "pearson": 1 / (n - 3),
        "spearman": (1 + r * r / 2) / (n - 3),
        "kendall": 0.437 / (n - 4) if n > 4 else math.nan,
    }[method]
    half = float(stats.norm.ppf(0.5 + blank.level / 2)) * math.sqrt(variance)
    z = math.atanh(r)
    return replace(blank, value=r, lower=math.tanh(z - half), upper=math.tanh(z + half))


def _pearson_statistic(pairs: Pairs) -> SumStatistic:
    u, v = pairs.x - pairs.x.mean(), pairs.y - pairs.y.mean()
    terms = np.stack([np.ones(pairs.n), u, v, u * u, v * v, u * v], axis=1)
    return SumStatistic(terms, _pearson_of_sums)


def _pearson_of_sums(sums: _Array) -> _Array:
    n, u, v, uu, vv, uv = sums.T
    scale = (uu - u * u / n) * (vv - v * v / n)
    root = np.sqrt(np.maximum(scale, 0.0))
    return np.divide(uv - u * v / n, root, out=np.full(len(n), np.nan), where=root > 0)


def _spearman_statistic(pairs: Pairs) -> WeightedStatistic:
    rank_x, rank_y = _ranker(pairs.x), _ranker(pairs.y)

    def statistic(weights: _Array) -> _Array:
        n = weights.sum(axis=1)
        # The mean of midranks is (n + 1) / 2 whatever the ties.
        u, v = (ranks(weights) - (n[:, None] + 1) / 2 for ranks in (rank_x, rank_y))
        uu, vv, uv = (np.einsum("rn,rn->r", weights, product) for product in (u * u, v * v, u * v))
        root = np.sqrt(uu * vv)
        return np.divide(uv, root, out=np.full(len(n), np.nan), where=root > 0)

    return statistic


def _ranker(x: _Array) -> WeightedStatistic:
    """Return the function that gives the midranks of x for each row of weights."""
    order = np.argsort(x, kind="stable")
    values, codes = np.unique(x, return_inverse=True)
    starts = np.searchsorted(x[order], values)

    def midranks(weights: _Array) -> _Array:
        tied = np.add.reduceat(weights[:, order], starts, axis=1)
        return np.asarray((np.cumsum(tied, axis=1) - (tied - 1) / 2)[:, codes])

    return midranks
