"""Partial areas under the ROC curve: placement values clipped to a range of the curve."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_Array = NDArray[np.float64]
PartialRange = tuple[str, float, float]
"""``("specificity", low, high)`` or ``("sensitivity", low, high)``."""


def require_partial(partial: PartialRange) -> None:
    """Refuse a range that is not one of specificity or sensitivity within [0, 1]."""
    of, low, high = partial
    if of not in {"specificity", "sensitivity"}:
        raise ValueError(f"a partial area is over specificity or sensitivity, not {of!r}")
    if not 0 <= low < high <= 1:
        raise ValueError(f"the range of a partial area must lie in [0, 1], not {low!r} to {high!r}")


def partial_placements(
    partial: PartialRange,
) -> Callable[[NDArray[np.bool_], _Array], tuple[_Array, _Array]]:
    """Return the function that gives clipped placement values for one score.

    The mean over the positives is the partial area, by trapezoids as the curve is drawn; both
    sets centred on their means are its influence values, so DeLong's and Obuchowski's variance
    follow as for the whole area, which the range 0 to 1 gives back.

    Notes
    -----
    A positive contributes the part of the range in which it is already called. A negative
    contributes the height of the curve at its own false positive rate, held at the ends of the
    range: moving a negative moves the curve sideways only within it (He Y, Escobar M, Stat Med
    2008;27:5291; the derivative of ``int ROC(t) dt``, Hsieh F, Turnbull BW, Ann Stat 1996;24:25).
    A range of sensitivity is one of specificity with the classes exchanged and the score negated.
    """
    require_partial(partial)
    of, low, high = partial

    def placed(truth: NDArray[np.bool_], score: _Array) -> tuple[_Array, _Array]:
        if of == "specificity":
            return _clipped(score[truth], score[~truth], 1 - high, 1 - low)
        negatives, positives = _clipped(-score[~truth], -score[truth], 1 - high, 1 - low)
        # The mean of the first must be the area; both are centred before any variance.
        return positives - positives.mean() + negatives.mean(), negatives

    return placed


def standardised(area: float, partial: PartialRange) -> float:
    """Return the partial area mapped so that chance is 0.5 and the best is 1 (McClish 1989)."""
    _, low, high = partial
    chance = ((1 - low) ** 2 - (1 - high) ** 2) / 2
    return 0.5 * (1 + (area - chance) / (high - low - chance))


def _clipped(x: _Array, y: _Array, start: float, end: float) -> tuple[_Array, _Array]:
    """Return clipped placement values of positives x and negatives y over [start, end] of FPR."""
    curve = _Curve(x, y)
    a, b = curve.span(x)
    positives = _called_share(end, a, b) - _called_share(start, a, b)
    a, b = curve.span(y)
    inside = np.clip(a, start, end), np.clip(b, start, end)
    before = np.clip(start - a, 0, b - a) * curve.height(start)
    after = np.clip(b - end, 0, b - a) * curve.height(end)
    between = curve.integral(inside[1]) - curve.integral(inside[0])
    return positives, (before + between + after) / (b - a)


def _called_share(t: float, a: _Array, b: _Array) -> _Array:
    """Integral up to t of the share of a positive that is called, rising from a to b (a tie)."""
    width = np.where(b > a, b - a, 1.0)
    within = np.clip(t - a, 0, b - a)
    return np.asarray(within**2 / (2 * width) + np.clip(t - b, 0, None))


class _Curve:
    """The empirical ROC curve: a piecewise linear height over the false positive rate."""

    def __init__(self, x: _Array, y: _Array) -> None:
        self._y = np.sort(y)
        thresholds = np.unique(np.append(x, y))[::-1]
        tpr = _share_at_or_above(np.sort(x), thresholds)
        fpr = _share_at_or_above(self._y, thresholds)
        fpr, tpr = np.append(0.0, fpr), np.append(0.0, tpr)
        self._at, first = np.unique(fpr, return_index=True)
        last = np.append(first[1:], len(fpr)) - 1
        # Where the curve rises vertically, a segment ends at its foot and the next starts at its top.
        self._top, self._foot = tpr[last], tpr[first]
        self._slope = (self._foot[1:] - self._top[:-1]) / np.diff(self._at)
        areas = (self._foot[1:] + self._top[:-1]) / 2 * np.diff(self._at)
        self._cumulative = np.append(0.0, np.cumsum(areas))

    def span(self, values: _Array) -> tuple[_Array, _Array]:
        """Return the shares of negatives above, and at or above, each value."""
        n = len(self._y)
        return (
            (n - np.searchsorted(self._y, values, side="right")) / n,
            (n - np.searchsorted(self._y, values, side="left")) / n,
        )

    def height(self, t: float) -> float:
        """Return the height at t; the middle of a vertical rise."""
        found = (np.searchsorted(self._at, t, "right"), np.searchsorted(self._at, t, "left"))
        k = np.clip(np.array(found) - 1, 0, len(self._slope) - 1)
        return float(np.mean(self._top[k] + self._slope[k] * (t - self._at[k])))

    def integral(self, t: _Array) -> _Array:
        """Return the area under the curve up to each t."""
        k = np.clip(np.searchsorted(self._at, t, side="right") - 1, 0, len(self._slope) - 1)
        step = t - self._at[k]
        return np.asarray(self._cumulative[k] + step * (self._top[k] + self._slope[k] * step / 2))


def _share_at_or_above(ordered: _Array, thresholds: _Array) -> _Array:
    return (len(ordered) - np.searchsorted(ordered, thresholds, side="left")) / len(ordered)
