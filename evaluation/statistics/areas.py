"""Areas under ROC curves of several scores on the same observations, with their covariance."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

_Array = NDArray[np.float64]


@dataclass(frozen=True)
class Areas:
    """Areas of k scores and their covariance, shapes (k,) and (k, k)."""

    value: _Array
    covariance: _Array
    method: str


def areas_under_curve(
    truth: NDArray[np.bool_], scores: _Array, codes: NDArray[np.intp] | None = None
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
    positive, negative = truth, ~truth
    m, n = int(positive.sum()), int(negative.sum())
    over_negatives, over_positives = np.empty((len(scores), m)), np.empty((len(scores), n))
    for k, score in enumerate(scores):
        both = stats.rankdata(score)
        over_negatives[k] = (both[positive] - stats.rankdata(score[positive])) / n
        over_positives[k] = 1 - (both[negative] - stats.rankdata(score[negative])) / m
    value = over_negatives.mean(axis=1)
    u, v = over_negatives - value[:, None], over_positives - value[:, None]
    if codes is None or len(np.unique(codes)) == len(truth):
        return Areas(value, _outer(u) / _dof(m) / m + _outer(v) / _dof(n) / n, "DeLong")
    return Areas(value, _clustered(u, v, codes[positive], codes[negative]), "Obuchowski 1997")


def _clustered(
    u: _Array, v: _Array, of_positive: NDArray[np.intp], of_negative: NDArray[np.intp]
) -> _Array:
    """Covariance from cluster sums of the centred placement values, shapes (k, m) and (k, n)."""
    m, n = u.shape[1], v.shape[1]
    size = int(max(of_positive.max(), of_negative.max())) + 1
    clusters = len(np.union1d(of_positive, of_negative))
    sum_u = np.stack([np.bincount(of_positive, row, size).astype(float) for row in u])
    sum_v = np.stack([np.bincount(of_negative, row, size).astype(float) for row in v])
    with_positive, with_negative = len(np.unique(of_positive)), len(np.unique(of_negative))
    s10 = with_positive / _dof(with_positive) / m * _outer(sum_u)
    s01 = with_negative / _dof(with_negative) / n * _outer(sum_v)
    s11 = clusters / _dof(clusters) * (sum_u @ sum_v.T)
    return np.asarray(s10 / m + s01 / n + (s11 + s11.T) / (m * n))


def _outer(rows: _Array) -> _Array:
    return np.asarray(rows @ rows.T)


def _dof(count: int) -> float:
    # One case has no variance; NaN makes the interval say so instead of dividing by zero.
    return float(count - 1) if count > 1 else math.nan
