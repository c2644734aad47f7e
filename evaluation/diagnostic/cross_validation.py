"""Risks from a score by logistic regression on the other groups, such as the other sites."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from evaluation.diagnostic.cases import require_binary
from evaluation.diagnostic.logistic import fit_logistic
from evaluation.statistics import group_codes

_Array = NDArray[np.float64]


@dataclass(frozen=True)
class CrossValidatedRisk:
    """Risks made without the observation's own group.

    ``risk`` has shape (n,), NaN where the score is missing or the group is named in ``reasons``;
    ``coefficients`` gives the fitted intercept and slopes by the group that was left out.
    """

    risk: _Array
    coefficients: dict[str, tuple[float, ...]]
    reasons: dict[str, str]


def cross_validated_risk(
    truth: ArrayLike, score: ArrayLike, group: ArrayLike
) -> CrossValidatedRisk:
    """Turn scores into risks by leaving one group out at a time.

    The model for a group is fitted on all others, so a risk never saw its own site: what is then
    measured with it (calibration, net benefit) speaks for a site that is new.

    Parameters
    ----------
    truth
        1/0, NaN where missing: such observations get a risk but do not train.
    score
        Shape (n,), or (n, p) for several predictors; NaN where missing.
    group
        Site of each observation.

    Examples
    --------
    >>> site = ["a"] * 4 + ["b"] * 4
    >>> found = cross_validated_risk([0, 1, 0, 1] * 2, [1, 2, 3, 4] * 2, site)
    >>> [round(float(r), 2) for r in found.risk[:4]]
    [0.2, 0.39, 0.61, 0.8]
    """
    y = np.asarray(truth, dtype=float)
    x = np.asarray(score, dtype=float)
    x = x[:, None] if x.ndim == 1 else x
    if y.ndim != 1 or x.shape[0] != len(y):
        raise ValueError("truth and score must have the same length")
    require_binary("truth", y)
    if np.isinf(x).any():
        raise ValueError("a score is infinite: record it as missing, with its reason")
    labels, codes = group_codes(group, len(y), what="group")
    if len(labels) < 2:
        raise ValueError("leaving a group out needs at least two groups")
    scored = ~np.isnan(x).any(axis=1)
    risk = np.full(len(y), np.nan)
    coefficients: dict[str, tuple[float, ...]] = {}
    reasons: dict[str, str] = {}
    for k, label in enumerate(labels.tolist()):
        train, own = (codes != k) & scored & ~np.isnan(y), (codes == k) & scored
        fit = fit_logistic(_design(x[train]), y[train])
        if fit.reason:
            reasons[str(label)] = f"without this group: {fit.reason}"
            continue
        coefficients[str(label)] = tuple(fit.coefficients.tolist())
        risk[own] = special.expit(_design(x[own]) @ fit.coefficients)
    return CrossValidatedRisk(risk, coefficients, reasons)


def _design(x: _Array) -> _Array:
    return np.column_stack([np.ones(len(x)), x])
