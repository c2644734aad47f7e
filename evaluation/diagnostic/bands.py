"""Operating points of a ROC curve and the bands around them."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from evaluation.diagnostic.cases import Cases

_Array = NDArray[np.float64]


@dataclass(frozen=True)
class RocPoints:
    """Operating points from (0, 0) to (1, 1): a score at or above ``threshold`` is positive.

    Arrays of equal length, the first threshold infinite. Bounds are None unless ``band`` names the
    method that made them. A coordinate whose class is absent is NaN, and ``reason`` says so.
    """

    threshold: _Array
    sensitivity: _Array
    specificity: _Array
    sensitivity_lower: _Array | None = None
    sensitivity_upper: _Array | None = None
    specificity_lower: _Array | None = None
    specificity_upper: _Array | None = None
    band: str = ""
    reason: str = ""


@dataclass(frozen=True)
class _Counts:
    """Called so far at each distinct threshold, for one class.

    ``called`` has shape (t,); ``squares`` and ``products`` are the sums over clusters of the
    squared number called, and of called times total; ``totals`` that of the squared totals.
    """

    n: int
    clusters: int
    called: _Array
    squares: _Array
    products: _Array
    totals: float


def operating_points(cases: Cases, *, band: str, level: float) -> RocPoints:
    """Return one point for each distinct score.

    ``band`` is empty, ``pointwise`` (each rate at each threshold has its own interval:
    Wilson's, or cluster-robust on the logit scale) or ``simultaneous`` (the whole curve lies
    within with the stated confidence: Kolmogorov-Smirnov, Campbell G, Stat Med 1994;13:499).
    """
    order = np.argsort(-cases.values[0], kind="stable")
    s, y, codes = cases.values[0][order], cases.truth[order], cases.codes[order]
    last = np.flatnonzero(np.append(s[1:] != s[:-1], True)) if len(s) else np.array([], dtype=int)
    tp, fp = (_counts(of, codes, last) for of in (y, ~y))
    sensitivity, fpr = _rate(tp), _rate(fp)
    threshold = np.append(np.inf, s[last])
    points = (threshold, sensitivity, 1 - fpr)
    if not band or cases.reason:
        return RocPoints(*points, reason=cases.reason)
    if band == "simultaneous":
        return _simultaneous(cases, points, level)
    low, high = _pointwise(tp, level)
    false_low, false_high = _pointwise(fp, level)
    name = "pointwise cluster-robust logit" if cases.clustered else "pointwise Wilson"
    return RocPoints(*points, low, high, 1 - false_high, 1 - false_low, name)


def require_band(band: str, *, clustered: bool) -> None:
    """Refuse an unknown band, and a simultaneous one for clustered observations."""
    if band not in {"", "pointwise", "simultaneous"}:
        raise ValueError(f"unknown bands {band!r}: choose pointwise or simultaneous")
    if band == "simultaneous" and clustered:
        raise ValueError(
            "the simultaneous band needs independent observations: ask for the pointwise band"
        )


def _counts(of: NDArray[np.bool_], codes: NDArray[np.intp], last: NDArray[np.intp]) -> _Counts:
    """Accumulate over falling scores; the k-th call in a cluster adds 2 k - 1 to its square."""
    own = codes[of]
    size = np.bincount(codes, weights=of, minlength=1)
    nth = np.empty(len(own))
    by_cluster = np.argsort(own, kind="stable")
    starts = np.append(0, np.cumsum(size))[own[by_cluster]]
    nth[by_cluster] = np.arange(len(own)) - starts + 1
    square, product = np.zeros(len(of)), np.zeros(len(of))
    square[of], product[of] = 2 * nth - 1, size[own]
    called, squares, products = (
        np.append(0.0, np.cumsum(steps)[last]) for steps in (of, square, product)
    )
    return _Counts(
        len(own), int((size > 0).sum()), called, squares, products, float(np.sum(size**2))
    )


def _rate(counts: _Counts) -> _Array:
    if counts.n == 0:
        return np.full(len(counts.called), np.nan)
    return np.asarray(counts.called / counts.n)


def _pointwise(counts: _Counts, level: float) -> tuple[_Array, _Array]:
    """Return the interval of a rate at each threshold: what `accuracy_table` gives there."""
    if counts.clusters == counts.n:
        return _wilson(counts.called, counts.n, level)
    p, k = _rate(counts), counts.clusters
    spread = counts.squares - 2 * p * counts.products + p**2 * counts.totals
    seen = (p > 0) & (p < 1) & (spread > 1e-12) & (k > 1)
    # Where no variance between clusters is seen, the number of clusters stands for the sample size.
    low, high = _wilson(p * k, k, level)
    tail = ((1 - level) / 2) ** (1 / k)  # Clopper-Pearson's bound at 0 and k of k
    high[p == 0], low[p == 1] = 1 - tail, tail
    if k < 2:
        return np.zeros(len(p)), np.ones(len(p))
    inner = p[seen]
    se = np.sqrt(k / (k - 1) * spread[seen]) / counts.n / (inner * (1 - inner))
    half = float(stats.t.ppf(0.5 + level / 2, k - 1)) * se
    low[seen] = special.expit(special.logit(inner) - half)
    high[seen] = special.expit(special.logit(inner) + half)
    return low, high


def _wilson(x: _Array, n: int, level: float) -> tuple[_Array, _Array]:
    z = float(stats.norm.ppf(0.5 + level / 2))
    p, scale = x / n, 1 + z**2 / n
    centre = (p + z**2 / (2 * n)) / scale
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / scale
    # At 0 and n the limits are exactly 0 and 1; rounding would leave 1e-17.
    return np.where(x == 0, 0.0, centre - half), np.where(x == n, 1.0, centre + half)


def _simultaneous(cases: Cases, points: tuple[_Array, _Array, _Array], level: float) -> RocPoints:
    # Two independent samples: both bands hold together with the product of their confidences.
    m, n = int(cases.truth.sum()), int((~cases.truth).sum())
    each = math.sqrt(level)
    up, across = (float(stats.kstwo.ppf(each, size)) for size in (m, n))
    return RocPoints(
        *points,
        np.clip(points[1] - up, 0, 1), np.clip(points[1] + up, 0, 1),
        np.clip(points[2] - across, 0, 1), np.clip(points[2] + across, 0, 1),
        "simultaneous Kolmogorov-Smirnov (Campbell 1994)",
    )  # fmt: skip
