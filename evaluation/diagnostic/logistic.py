"""Logistic regression by iteratively reweighted least squares, with robust variances."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

_Array = NDArray[np.float64]
_ITERATIONS = 50
_TOLERANCE = 1e-10


@dataclass(frozen=True)
class LogisticFit:
    """Coefficients (p,) and influence values (n, p); without them, the reason why."""

    coefficients: _Array
    influence: _Array
    reason: str = ""


def fit_logistic(design: _Array, y: _Array, *, offset: _Array | None = None) -> LogisticFit:
    """Fit ``logit P(y = 1) = offset + design @ coefficients`` by maximum likelihood.

    Parameters
    ----------
    design
        Shape (n, p), with its column of ones.
    y
        1 or 0, shape (n,).

    Returns
    -------
    LogisticFit
        The influence values are those of the coefficients under any distribution of y (White
        1982): summed in squares they give the sandwich variance. Where one class is absent, the
        classes are separated or a column is a combination of others, there is a reason instead.

    Notes
    -----
    Separation: Albert A, Anderson JA, Biometrika 1984;71:1. It shows as a likelihood that keeps
    rising while fitted probabilities reach 0 or 1.
    """
    n, p = design.shape
    fixed = np.zeros(n) if offset is None else offset
    if n == 0 or y.min() == y.max():
        return _none(p, "one class only: the model cannot be fitted")
    if np.linalg.matrix_rank(design) < p:
        return _none(p, "a predictor is constant or a combination of others")
    beta = np.zeros(p)
    for _ in range(_ITERATIONS):
        risk = special.expit(fixed + design @ beta)
        information = (design * (risk * (1 - risk))[:, None]).T @ design
        if _degenerate(information, design):
            break
        step = np.linalg.solve(information, design.T @ (y - risk))
        beta = beta + _damped(step, design)
        if np.max(np.abs(step)) < _TOLERANCE * (1 + np.max(np.abs(beta))):
            inverse = np.linalg.inv(information)
            return LogisticFit(beta, (design * (y - risk)[:, None]) @ inverse)
    return _none(p, "the predictor separates the classes: the coefficients are infinite")


def _damped(step: _Array, design: _Array) -> _Array:
    # A first step from far away may overshoot; none may move a prediction by more than 5 logits.
    largest = float(np.max(np.abs(design @ step)))
    return step * min(1.0, 5.0 / largest) if largest > 0 else step


def _degenerate(information: _Array, design: _Array) -> bool:
    """True where fitted probabilities have reached 0 or 1, so nothing is left to learn."""
    scale = np.sqrt(np.sum(design**2, axis=0))
    scaled = information / np.outer(scale, scale)
    return not np.all(np.isfinite(scaled)) or float(np.linalg.eigvalsh(scaled)[0]) < 1e-13


def _none(p: int, reason: str) -> LogisticFit:
    return LogisticFit(np.full(p, np.nan), np.empty((0, p)), reason)
