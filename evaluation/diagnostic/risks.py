"""Predicted risks with their outcomes, checked once; means of them with intervals."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaluation.diagnostic.cases import Cases, complete_cases
from evaluation.diagnostic.robust import spread
from evaluation.statistics import Estimate, not_estimable


def complete_risks(
    truth: ArrayLike,
    risks: Sequence[ArrayLike],
    *,
    cluster: ArrayLike | None,
    strata: ArrayLike | None = None,
) -> Cases:
    """Return complete observations of predicted risks.

    Raises
    ------
    ValueError
        If a risk lies outside [0, 1]: a score must first be made a risk (`cross_validated_risk`).
    """
    for risk in risks:
        values = np.asarray(risk, dtype=float)
        outside = (values < 0) | (values > 1)
        if outside.any():
            at = int(np.argmax(outside))
            raise ValueError(
                f"a risk must lie in [0, 1]: {int(outside.sum())} do not, the first is "
                f"{values[at]:g} at place {at}"
            )
    return complete_cases(truth, risks, cluster=cluster, strata=strata)


def mean_estimate(
    values: NDArray[np.float64],
    cases: Cases,
    *,
    level: float,
    method: str,
    among: NDArray[np.bool_] | None = None,
    empty: str = "",
) -> Estimate:
    """Return the mean of a value of each observation, or of those ``among``, with its interval.

    Without clusters the interval is normal, with them a cluster-robust t.
    """
    at = np.ones(cases.n, dtype=bool) if among is None else among
    x, group = values[at], cases.codes[at]
    if len(x) == 0:
        return not_estimable(empty, level=level, missing=cases.missing, method=method)
    mean = float(x.mean())
    return with_interval(
        mean, (x - mean) / len(x), group if cases.clustered else None, missing=cases.missing,
        level=level, method=method,
    )  # fmt: skip


def with_interval(
    value: float,
    influence: NDArray[np.float64],
    group: NDArray | None,
    *,
    missing: int,
    level: float,
    method: str,
) -> Estimate:
    """Return an estimate whose interval comes from its influence values."""
    found = spread(influence, group)
    name = f"{method}, cluster-robust t" if np.isfinite(found.df) else method
    counts = (level, len(influence), found.clusters, missing, name)
    if found.reason:
        return Estimate(value, None, None, *counts, flags=("no_interval",), reason=found.reason)
    half = found.half_width(level)
    return Estimate(value, value - half, value + half, *counts)
