"""Areas under ROC curves of several scores on the same observations, with their covariance."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_Array = NDArray[np.float64]
_Codes = NDArray[np.intp]


@dataclass(frozen=True)
class Areas:
    """Areas of k scores and their covariance, shapes (k,) and (k, k)."""

    value: _Array
    covariance: _Array
    method: str


def areas_under_curve(
    truth: NDArray[np.bool_], scores: _Array, codes: _Codes | None = None
) -> Areas:
    """Return areas and covariance by midranks; both classes must be present.

    Parameters
    ----------
    truth, scores
        Shapes (n,) and (k, n), without gaps.
    codes
        Cluster of each observation as 0, 1, ... ; then Obuchowski's covariance, which equals
        DeLong's when every cluster has one member.

    Notes
    -----
    Sun X, Xu W, IEEE Signal Process Lett 2014;21:1389; Obuchowski NA, Biometrics 1997;53:567. With
    a single positive or negative case the covariance is NaN.
    """
    both = [placement_values(truth, score) for score in scores]
    over_negatives, over_positives = (np.stack(rows) for rows in zip(*both, strict=True))
    return areas_from_placements(over_negatives, over_positives, truth, codes)


def placement_values(truth: NDArray[np.bool_], score: _Array) -> tuple[_Array, _Array]:
    """Return how each case of a class is placed among the other class, ties counted half.

    First, for each positive, the share of negatives scored below it; second, for each negative,
    the share of positives scored above it. The mean of either is the area.

    Notes
    -----
    One sort serves both classes: the number of negatives below a group of ties is the cumulative
    count before it, so n = 10,000 takes about a millisecond.
    """
    order = np.argsort(score)  # not stable: the order within ties does not matter
    s, y = score[order], truth[order]
    starts = np.flatnonzero(np.append(True, s[1:] != s[:-1]))
    ends = np.append(starts[1:], len(s))
    positives = np.append(0, np.cumsum(y))
    negatives = np.arange(len(s) + 1) - positives
    below = (negatives[starts] + negatives[ends]) / (2 * negatives[-1])
    above = 1 - (positives[starts] + positives[ends]) / (2 * positives[-1])
    size = ends - starts
    placed = np.empty(len(s))
    placed[order] = np.where(y, np.repeat(below, size), np.repeat(above, size))
    return placed[truth], placed[~truth]


def areas_from_placements(
    over_negatives: _Array,
    over_positives: _Array,
    truth: NDArray[np.bool_],
    codes: _Codes | None = None,
) -> Areas:
    """Return areas and covariance from placement values of shapes (k, m) and (k, n).

    The same algebra serves the whole and the partial area: only the placement values differ.
    """
    value = over_negatives.mean(axis=1)
    u = over_negatives - value[:, None]
    v = over_positives - over_positives.mean(axis=1)[:, None]
    m, n = u.shape[1], v.shape[1]
    if codes is None or _distinct(codes) == len(truth):
    if codes is None or int(np.bincount(codes).max()) == 1:
        return Areas(value, _outer(u) / _dof(m) / m + _outer(v) / _dof(n) / n, "DeLong")
    return Areas(value, _clustered(u, v, codes[truth], codes[~truth]), "Obuchowski 1997")


def _clustered(u: _Array, v: _Array, of_positive: _Codes, of_negative: _Codes) -> _Array:
    """Covariance from cluster sums of the centred placement values, shapes (k, m) and (k, n)."""
    m, n = u.shape[1], v.shape[1]
    size = int(max(of_positive.max(), of_negative.max())) + 1
    clusters = _distinct(np.append(of_positive, of_negative))
    clusters = int(np.count_nonzero(counts[0] + counts[1]))
    counts = np.bincount(of_positive, minlength=size), np.bincount(of_negative, minlength=size)
    sum_u = np.stack([np.bincount(of_positive, row, size).astype(float) for row in u])
    sum_v = np.stack([np.bincount(of_negative, row, size).astype(float) for row in v])
    with_positive, with_negative = (int(np.count_nonzero(count)) for count in counts)
    with_positive, with_negative = _distinct(of_positive), _distinct(of_negative)
    s10 = with_positive / _dof(with_positive) / m * _outer(sum_u)
    s01 = with_negative / _dof(with_negative) / n * _outer(sum_v)
    s11 = clusters / _dof(clusters) * (sum_u @ sum_v.T)
    return np.asarray(s10 / m + s01 / n + (s11 + s11.T) / (m * n))


def _distinct(codes: _Codes) -> int:
    # Codes are small integers: counting them is faster than sorting them.
    return int(np.count_nonzero(np.bincount(codes)))


def _outer(rows: _Array) -> _Array:
    return np.asarray(rows @ rows.T)


def _dof(count: int) -> float:
    # One case has no variance; NaN makes the interval say so instead of dividing by zero.
    return float(count - 1) if count > 1 else math.nan
