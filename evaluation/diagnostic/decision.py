"""Net benefit of acting on a predicted risk (decision curve analysis)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaluation.diagnostic.cases import Cases
from evaluation.diagnostic.risks import complete_risks, mean_estimate
from evaluation.statistics import DEFAULT_LEVEL, Estimate, not_estimable, require_level


@dataclass(frozen=True)
class NetBenefit:
    """Net benefit at a threshold, per observation: of the model, and of treating everybody.

    Treating nobody has a net benefit of 0. ``over_all`` is the model's minus that of treating all.
    """

    threshold: float
    model: Estimate
    treat_all: Estimate
    over_all: Estimate


def net_benefit(
    truth: ArrayLike,
    risk: ArrayLike,
    *,
    thresholds: Sequence[float],
    cluster: ArrayLike | None = None,
    level: float = DEFAULT_LEVEL,
) -> tuple[NetBenefit, ...]:
    """Estimate the net benefit of treating at or above each threshold of risk.

    ``true positives / n - false positives / n * t / (1 - t)``: a mean over observations, so its
    interval is that of a mean, cluster-robust where a participant has several.

    Parameters
    ----------
    truth, risk, cluster
        As in `calibration`.
    thresholds
        Each strictly between 0 and 1: the risk at which harm and benefit of treating balance.

    Notes
    -----
    Vickers AJ, Elkin EB, Med Decis Making 2006;26:565.

    Examples
    --------
    >>> net_benefit([1, 0, 0, 1], [0.9, 0.6, 0.1, 0.4], thresholds=[0.5])[0].model.value
    0.0
    """
    require_level(level)
    require_thresholds(thresholds)
    cases = complete_risks(truth, [risk], cluster=cluster)
    return tuple(_at(cases, t, level) for t in thresholds)


def require_thresholds(thresholds: Sequence[float]) -> None:
    """Refuse thresholds of risk outside (0, 1)."""
    for t in thresholds:
        if not 0 < t < 1:
            raise ValueError(f"a threshold of risk must lie strictly between 0 and 1, not {t!r}")


def benefits(
    truth: NDArray[np.bool_], called: NDArray[np.bool_], threshold: float
) -> NDArray[np.float64]:
    """Return what each observation adds to the net benefit, times n."""
    return np.where(truth, 1.0, -threshold / (1 - threshold)) * called


def _at(cases: Cases, threshold: float, level: float) -> NetBenefit:
    if cases.reason:
        none = not_estimable(
            cases.reason, level=level, n=cases.n, clusters=cases.clusters, missing=cases.missing,
            method="Wald",
        )  # fmt: skip
        return NetBenefit(threshold, none, none, none)
    model = benefits(cases.truth, cases.values[0] >= threshold, threshold)
    everybody = benefits(cases.truth, np.ones(cases.n, dtype=bool), threshold)
    found = [
        mean_estimate(values, cases, level=level, method="Wald")
        for values in (model, everybody, model - everybody)
    ]
    return NetBenefit(threshold, found[0], found[1], found[2])
