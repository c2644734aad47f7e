"""Sensitivity, specificity, predictive values and accuracy at a locked cut-off."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaluation.statistics import (
    DEFAULT_LEVEL,
    Estimate,
    clustered_proportion,
    count_by_cluster,
    proportion_interval,
    require_level,
)


@dataclass(frozen=True)
class Accuracy:
    """Cross-tabulation of an index test by the reference standard, with its proportions.

    ``missing_reference`` counts observations whose reference standard is missing or
    indeterminate, ``missing_index`` those (of the rest) without a score.
    """

    tp: int
    fp: int
    fn: int
    tn: int
    missing_reference: int
    missing_index: int
    sensitivity: Estimate
    specificity: Estimate
    ppv: Estimate
    npv: Estimate
    accuracy: Estimate
    prevalence: Estimate

    def estimates(self) -> dict[str, Estimate]:
        """Return the proportions by name, in the order of a table."""
        names = ("sensitivity", "specificity", "ppv", "npv", "accuracy", "prevalence")
        return {name: getattr(self, name) for name in names}


_EMPTY = {
    "sensitivity": "no observation has the target condition",
    "specificity": "every observation has the target condition: there is no negative case",
    "ppv": "the index test was never positive",
    "npv": "the index test was never negative",
    "accuracy": "no observation with both a reference standard and a score",
    "prevalence": "no observation with both a reference standard and a score",
}


def accuracy(
    truth: ArrayLike,
    score: ArrayLike,
    cutoff: float,
    *,
    cluster: ArrayLike | None = None,
    level: float = DEFAULT_LEVEL,
    method: str = "wilson",
) -> Accuracy:
    """Cross-tabulate ``score >= cutoff`` by the reference standard.

    Parameters
    ----------
    truth
        1/0, NaN where the reference standard is missing or indeterminate, shape (n,).
    score
        Shape (n,), NaN where missing.
    cutoff
        Locked before the outcome was seen; a score equal to it is positive.
    cluster
        Participant of each observation; then the ratio estimator with a cluster-robust interval.
    method
        Interval without clustering, as in `evaluation.statistics.proportion_interval`.

    Returns
    -------
    Accuracy
        A proportion with an empty denominator has no value and says why.

    Raises
    ------
    ValueError
        If lengths differ, truth is neither 0, 1 nor NaN, or the cut-off is not finite.

    Examples
    --------
    >>> accuracy([1, 1, 0, 0], [3.0, 1.0, 2.0, 0.5], 2.5).sensitivity.value
    0.5
    """
    require_level(level)
    y, called, group, missing = _calls(truth, score, cutoff, cluster)
    denominators = {
        "sensitivity": (y, called),
        "specificity": (~y, ~called),
        "ppv": (called, y),
        "npv": (~called, ~y),
        "accuracy": (np.ones_like(y), y == called),
        "prevalence": (np.ones_like(y), y),
    }
    parts = {
        name: _proportion(
            name, success[among], group[among] if cluster is not None else None,
            missing=sum(missing), level=level, method=method,
        )
        for name, (among, success) in denominators.items()
    }  # fmt: skip
    return Accuracy(
        int((y & called).sum()), int((~y & called).sum()), int((y & ~called).sum()),
        int((~y & ~called).sum()), missing[0], missing[1], **parts,
    )  # fmt: skip


def _calls(
    truth: ArrayLike, score: ArrayLike, cutoff: float, cluster: ArrayLike | None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray, tuple[int, int]]:
    y, s = np.asarray(truth, dtype=float), np.asarray(score, dtype=float)
    group = np.arange(len(y)) if cluster is None else np.asarray(cluster)
    if not len(y) == len(s) == len(group):
        raise ValueError("truth, score and cluster must have the same length")
    if not np.isfinite(cutoff):
        raise ValueError("the cut-off must be a finite number")
    known = ~np.isnan(y)
    if not np.isin(y[known], (0.0, 1.0)).all():
        raise ValueError("truth must be 0 or 1, NaN where missing or indeterminate")
    keep = known & ~np.isnan(s)
    missing = (int((~known).sum()), int((known & ~keep).sum()))
    return y[keep] == 1, s[keep] >= cutoff, group[keep], missing


def _proportion(
    name: str,
    success: NDArray[np.bool_],
    group: NDArray | None,
    *,
    missing: int,
    level: float,
    method: str,
) -> Estimate:
    if group is None:
        e = proportion_interval(
            int(success.sum()), len(success), method=method, level=level, missing=missing
        )
    else:
        e = clustered_proportion(*count_by_cluster(success, group), level=level, missing=missing)
    return e if e.estimable else replace(e, reason=_EMPTY[name])
