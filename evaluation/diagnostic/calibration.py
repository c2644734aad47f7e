"""Calibration of predicted risks: slope, intercept, observed to expected, Brier score, points."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from evaluation.diagnostic.cases import Cases
from evaluation.diagnostic.logistic import fit_logistic
from evaluation.diagnostic.risks import complete_risks, mean_estimate, with_interval
from evaluation.diagnostic.robust import counts_by_code
from evaluation.statistics import (
    DEFAULT_LEVEL,
    Estimate,
    clustered_proportion,
    not_estimable,
    require_level,
)

_Array = NDArray[np.float64]


@dataclass(frozen=True)
class BrierParts:
    """Murphy's decomposition over the bins: the score is their signed sum.

    ``score = reliability - resolution + uncertainty + within_bins``; the last is what the risks
    vary inside the bins (Stephenson DB et al., Weather Forecast 2008;23:752).
    """

    reliability: float
    resolution: float
    uncertainty: float
    within_bins: float


@dataclass(frozen=True)
class CalibrationPoint:
    """A bin of similar risks: its mean risk and the share observed."""

    risk: float
    observed: Estimate


@dataclass(frozen=True)
class Calibration:
    """How predicted risks agree with outcomes.

    ``slope`` and ``intercept`` belong to one logistic regression of the outcome on logit(risk):
    1 and 0 when perfect. ``in_the_large`` is the intercept with the slope held at 1.
    """

    slope: Estimate
    intercept: Estimate
    in_the_large: Estimate
    observed_expected: Estimate
    brier: Estimate
    brier_parts: BrierParts | None
    points: tuple[CalibrationPoint, ...]

    def estimates(self) -> dict[str, Estimate]:
        """Return the estimates by name, in the order of a table."""
        return {
            "slope": self.slope,
            "intercept": self.intercept,
            "in_the_large": self.in_the_large,
            "observed_expected": self.observed_expected,
            "brier": self.brier,
        }


def calibration(
    truth: ArrayLike,
    risk: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    bins: int = 10,
    level: float = DEFAULT_LEVEL,
) -> Calibration:
    """Judge predicted risks of the target condition against the reference standard.

    Parameters
    ----------
    truth
        1/0, NaN where missing or indeterminate, shape (n,).
    risk
        In [0, 1], NaN where missing, made without these outcomes.
    cluster
        Participant of each observation; then all intervals are cluster-robust.
    bins
        Number of groups of equal size, by risk; equal risks are never parted.

    Returns
    -------
    Calibration
        Slope and intercept are not estimable, and say why, where a class is absent, risks are all
        alike, the risk separates the classes, or a risk is 0 or 1 (its logit is infinite).

    Raises
    ------
    ValueError
        For a risk outside [0, 1] and everything that `roc` refuses.

    Notes
    -----
    Cox DR, Biometrika 1958;45:562; Van Calster B et al., J Clin Epidemiol 2016;74:167. Variances
    are robust (White 1982), so they hold when the recalibration model does not.
    """
    require_level(level)
    if bins < 1:
        raise ValueError("calibration needs at least one bin")
    cases = complete_risks(truth, [risk], cluster=cluster)
    y, p = cases.truth.astype(float), cases.values[0]
    slope, intercept, large = _recalibration(cases, level)
    group = _bins(p, bins)
    brier = mean_estimate((p - y) ** 2, cases, level=level, method="Wald", empty=cases.reason)
    parts = _brier_parts(y, p, group) if cases.n else None
    return Calibration(
        slope, intercept, large, _observed_expected(cases, level), brier, parts,
        _points(cases, group, level),
    )  # fmt: skip


def _recalibration(cases: Cases, level: float) -> tuple[Estimate, Estimate, Estimate]:
    y, p = cases.truth.astype(float), cases.values[0]
    method, group = "logistic, robust", cases.codes if cases.clustered else None
    extreme = int(((p == 0) | (p == 1)).sum())
    reason = cases.reason or (
        f"{extreme} risks are exactly 0 or 1: their logit is infinite" * bool(extreme)
    )
    blank = not_estimable(
        reason, level=level, n=cases.n, clusters=cases.clusters, missing=cases.missing,
        method=method,
    )  # fmt: skip
    if reason:
        return blank, blank, blank
    logit = special.logit(p)
    ones = np.ones((cases.n, 1))
    joint = fit_logistic(np.column_stack([ones, logit]), y)
    large = fit_logistic(ones, y, offset=logit)
    found = [
        replace(blank, reason=fit.reason)
        if fit.reason
        else with_interval(
            float(fit.coefficients[k]), fit.influence[:, k], group, missing=cases.missing,
            level=level, method=method,
        )
        for fit, k in ((joint, 1), (joint, 0), (large, 0))
    ]  # fmt: skip
    return found[0], found[1], found[2]


def _observed_expected(cases: Cases, level: float) -> Estimate:
    """Observed over expected events, on the log scale; both vary with who is observed."""
    y, p = cases.truth.astype(float), cases.values[0]
    blank = not_estimable(
        cases.reason, level=level, n=cases.n, clusters=cases.clusters, missing=cases.missing,
        method="log",
    )  # fmt: skip
    if cases.n == 0:
        return blank
    if p.sum() == 0:
        return replace(blank, reason="every risk is 0: no event is expected")
    if y.sum() == 0:
        e = replace(blank, value=0.0, flags=("no_interval",))
        return replace(e, reason="no event was observed: no interval on the log scale")
    ratio = float(y.sum() / p.sum())
    e = with_interval(
        math.log(ratio), y / y.sum() - p / p.sum(), cases.codes if cases.clustered else None,
        missing=cases.missing, level=level, method="log",
    )  # fmt: skip
    lower, upper = (None if v is None else math.exp(v) for v in (e.lower, e.upper))
    return replace(e, value=ratio, lower=lower, upper=upper)


def _bins(p: _Array, bins: int) -> NDArray[np.intp]:
    """Return the bin of each risk, 0 for the lowest; equal risks share one."""
    if len(p) == 0:
        return np.empty(0, dtype=np.intp)
    edges = np.unique(np.quantile(p, np.arange(1, bins) / bins, method="inverted_cdf"))
    return np.unique(np.searchsorted(edges, p, side="left"), return_inverse=True)[1].astype(np.intp)


def _brier_parts(y: _Array, p: _Array, group: NDArray[np.intp]) -> BrierParts:
    n, size, mean = len(y), np.bincount(group), float(y.mean())
    observed, expected = (np.bincount(group, weights=v) / size for v in (y, p))
    reliability = float(np.sum(size * (expected - observed) ** 2)) / n
    resolution = float(np.sum(size * (observed - mean) ** 2)) / n
    uncertainty = mean * (1 - mean)
    score = float(np.mean((p - y) ** 2))
    within = score - (reliability - resolution + uncertainty)
    return BrierParts(reliability, resolution, uncertainty, within)


def _points(cases: Cases, group: NDArray[np.intp], level: float) -> tuple[CalibrationPoint, ...]:
    points = []
    for k in range(int(group.max()) + 1 if len(group) else 0):
        at = group == k
        counts = counts_by_code(cases.truth[at], cases.codes[at])
        observed = clustered_proportion(*counts, level=level)
        points.append(CalibrationPoint(float(cases.values[0][at].mean()), observed))
    return tuple(points)
