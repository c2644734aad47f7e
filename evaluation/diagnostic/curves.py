"""ROC curves and areas: DeLong's variance by midranks, Obuchowski's for clustered observations."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from evaluation.statistics import (
    DEFAULT_LEVEL,
    Comparison,
    Estimate,
    areas_under_curve,
    not_estimable,
    require_level,
)

_LOGIT_ABOVE = 0.95


@dataclass(frozen=True)
class RocCurve:
    """Operating points from (0, 0) to (1, 1): a score at or above ``threshold`` is positive."""

    threshold: NDArray[np.float64]
    sensitivity: NDArray[np.float64]
    specificity: NDArray[np.float64]
    positives: int
    negatives: int


@dataclass(frozen=True)
class _Cases:
    """Complete observations: truth (n,), scores (k, n), cluster codes (n,)."""

    truth: NDArray[np.bool_]
    scores: NDArray[np.float64]
    codes: NDArray[np.intp]
    clusters: int
    missing: int

    @property
    def reason(self) -> str:
        """Why no area exists, in words; empty when one does."""
        if len(self.truth) == 0:
            return "no observation with both a reference standard and a score"
        if self.truth.all():
            return "every observation has the target condition: there is no negative case"
        if not self.truth.any():
            return "no observation has the target condition"
        return ""


def roc(truth: ArrayLike, score: ArrayLike) -> RocCurve:
    """Return the operating points of a score, one for each distinct value.

    Observations with a missing truth or score (NaN) are left out. With one class only, the
    coordinate that does not exist is NaN throughout.
    """
    cases = _cases(truth, [score], None)
    s, y = cases.scores[0], cases.truth
    order = np.argsort(-s, kind="stable")
    s, y = s[order], y[order]
    last = np.flatnonzero(np.append(np.diff(s) != 0, True)) if len(s) else np.array([], dtype=int)
    positives, negatives = int(y.sum()), int((~y).sum())
    tp, fp = np.cumsum(y)[last], np.cumsum(~y)[last]
    sensitivity = np.append(0.0, tp) / positives if positives else np.full(len(last) + 1, np.nan)
    fpr = np.append(0.0, fp) / negatives if negatives else np.full(len(last) + 1, np.nan)
    return RocCurve(np.append(np.inf, s[last]), sensitivity, 1 - fpr, positives, negatives)


def auc(
    truth: ArrayLike,
    score: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    level: float = DEFAULT_LEVEL,
) -> Estimate:
    """Estimate the area under the ROC curve; higher scores speak for the target condition.

    Parameters
    ----------
    truth
        1/0 or True/False, NaN where missing or indeterminate, shape (n,).
    score
        Shape (n,), NaN where missing.
    cluster
        Participant of each observation, where one may have several.

    Returns
    -------
    Estimate
        Without a value, and with the reason, when one class is absent. The interval is Wald's,
        above an area of 0.95 (or where Wald leaves [0, 1]) on the logit scale.

    Notes
    -----
    DeLong ER et al., Biometrics 1988;44:837, by the midranks of Sun and Xu, IEEE Signal Process
    Lett 2014;21:1389; clustered: Obuchowski NA, Biometrics 1997;53:567.
    """
    require_level(level)
    cases = _cases(truth, [score], cluster)
    n = len(cases.truth)
    if cases.reason:
        return not_estimable(
            cases.reason, level=level, n=n, clusters=cases.clusters, missing=cases.missing,
            method="AUC",
        )  # fmt: skip
    areas = areas_under_curve(cases.truth, cases.scores, cases.codes)
    value, variance = float(areas.value[0]), float(areas.covariance[0, 0])
    lower, upper, scale, reason = _area_bounds(value, variance, level)
    return Estimate(
        value, lower, upper, level, n, cases.clusters, cases.missing, f"{areas.method}{scale}",
        flags=("no_interval",) if reason else (), reason=reason,
    )  # fmt: skip


def delong_test(
    truth: ArrayLike,
    a: ArrayLike,
    b: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    level: float = DEFAULT_LEVEL,
) -> Comparison:
    """Compare the areas of two scores of the same observations: difference ``a - b``.

    Not valid for two models fitted to the same data of which one contains the other (Demler
    2012): both scores must have been locked beforehand.
    """
    require_level(level)
    cases = _cases(truth, [a, b], cluster)
    n, name = len(cases.truth), "paired DeLong"
    if cases.reason:
        return Comparison(
            None, None, None, level, n, cases.clusters, cases.missing, name,
            flags=("not_estimable",), reason=cases.reason,
        )  # fmt: skip
    areas = areas_under_curve(cases.truth, cases.scores, cases.codes)
    contrast = np.array([1.0, -1.0])
    difference = float(contrast @ areas.value)
    variance = float(contrast @ areas.covariance @ contrast)
    name = f"paired {areas.method}"
    if variance <= 1e-18 or math.isnan(variance):
        return _without_variance(cases, difference, name, level=level)
    se = math.sqrt(variance)
    half = float(stats.norm.ppf(0.5 + level / 2)) * se
    z = difference / se
    return Comparison(
        difference, difference - half, difference + half, level, n, cases.clusters,
        cases.missing, name, statistic=z, p_value=float(2 * stats.norm.sf(abs(z))),
    )  # fmt: skip


def _without_variance(cases: _Cases, difference: float, name: str, *, level: float) -> Comparison:
    same = difference == 0
    reason = (
        "the two scores rank the observations alike: no variance, no interval"
        if same
        else "a single case, or complete separation: no variance, no interval"
    )
    return Comparison(
        difference, None, None, level, len(cases.truth), cases.clusters, cases.missing, name,
        flags=("no_interval",), reason=reason, statistic=0.0 if same else None,
        p_value=1.0 if same else None,
    )  # fmt: skip


def _cases(truth: ArrayLike, scores: list[ArrayLike], cluster: ArrayLike | None) -> _Cases:
    y = np.asarray(truth, dtype=float)
    s = np.stack([np.asarray(score, dtype=float) for score in scores])
    group = np.arange(len(y)) if cluster is None else np.asarray(cluster)
    if s.shape[1] != len(y) or len(group) != len(y):
        raise ValueError("truth, score and cluster must have the same length")
    keep = ~np.isnan(y) & ~np.isnan(s).any(axis=0)
    y = y[keep]
    if not np.isin(y, (0.0, 1.0)).all():
        raise ValueError("truth must be 0 or 1, NaN where missing")
    labels, codes = np.unique(group[keep], return_inverse=True)
    return _Cases(y == 1, s[:, keep], codes, len(labels), int((~keep).sum()))


def _area_bounds(
    value: float, variance: float, level: float
) -> tuple[float | None, float | None, str, str]:
    if math.isnan(variance):
        return None, None, "", "a single positive or negative case: no variance, no interval"
    if variance <= 0:
        return None, None, "", "the score separates the classes completely: no interval"
    z = float(stats.norm.ppf(0.5 + level / 2))
    lower, upper = value - z * math.sqrt(variance), value + z * math.sqrt(variance)
    if value > _LOGIT_ABOVE or lower < 0 or upper > 1:
        if not 0 < value < 1:
            return None, None, "", "the area is 0 or 1: no interval on the logit scale"
        half = z * math.sqrt(variance) / (value * (1 - value))
        centre = float(special.logit(value))
        return (
            float(special.expit(centre - half)), float(special.expit(centre + half)), ", logit", "",
        )  # fmt: skip
    return lower, upper, "", ""
