"""Multiple imputation of a missing reference standard, from what is known of the unit.

Each imputation fits a logistic model to participants drawn with replacement, so that the
uncertainty of the model is part of the draw (Rubin 1987, 4; Schomaker and Heumann, Stat Med
2018;37:2252), and draws the missing verdicts from its risks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from evaluation.analysis.cohort import Cohort
from evaluation.analysis.questions import Question
from evaluation.analysis.units import Scored, Units

_Array = NDArray[np.float64]
PRIOR_SD = 2.5
"""Normal prior of each standardised slope: keeps the fit finite where a predictor separates."""
_STEPS = 12
_NEAR = 1e-8


@dataclass(frozen=True, eq=False)
class Imputer:
    """Risks of the units without a verdict under each of m models, and the draws against them.

    ``missing`` are places among the units; ``logit`` and ``uniform`` have shape (m, missing).
    """

    missing: NDArray[np.intp]
    logit: _Array
    uniform: _Array
    reason: str = ""

    def verdicts(self, delta: float = 0.0) -> NDArray[np.bool_]:
        """Return the imputed verdicts, shape (m, missing), with log odds shifted by ``delta``."""
        return np.asarray(self.uniform < special.expit(self.logit + delta))


def imputer(
    cohort: Cohort, question: Question, *, predictors: Sequence[str], imputations: int, seed: int
) -> Imputer:
    """Return the models and draws for the units of a question that have no verdict."""
    units = question.units
    known = ~np.isnan(units.truth)
    missing = np.flatnonzero(~known)
    nothing = np.zeros((imputations, len(missing)))
    verdicts = units.truth[known]
    if not len(missing):
        return Imputer(missing, nothing, nothing)
    if not len(verdicts) or verdicts.min() == verdicts.max():
        reason = "the known reference standards are all alike: nothing to impute from"
        return Imputer(missing, nothing, nothing, reason)
    design = _design(cohort, question, predictors)
    rng = np.random.default_rng(seed)
    people, codes = np.unique(units.pid[known], return_inverse=True)
    start = _fitted(design[known], verdicts, np.ones(len(verdicts)))
    logits = []
    for _ in range(imputations):
        drawn = np.bincount(rng.integers(len(people), size=len(people)), minlength=len(people))
        weights = drawn[codes].astype(float)
        slopes = _fitted(design[known], verdicts, weights, start=start)
        logits.append(design[missing] @ slopes)
    uniform = rng.random((imputations, len(missing)))
    return Imputer(missing, np.stack(logits), uniform)


def unit_of_each(units: Units, scored: Scored) -> NDArray[np.intp]:
    """Return the place among the units of each observation of a test."""
    names = np.append(units.unit_id, scored.unit_id)
    code = np.unique(names.astype(str), return_inverse=True)[1] if len(names) else names
    size = int(code.max()) + 1 if len(code) else 1
    key = np.append(units.pid, scored.pid) * size + code
    own, asked = key[: len(units)].astype(np.intp), key[len(units) :].astype(np.intp)
    order = np.argsort(own, kind="stable")
    return np.asarray(order[np.searchsorted(own[order], asked)])


def _design(cohort: Cohort, question: Question, predictors: Sequence[str]) -> _Array:
    """Return intercept, scores of every test, sites and participant columns, standardised."""
    units, people = question.units, cohort.people
    columns = []
    for test in question.answered:
        columns += _filled(_mean_score(units, question.scored[test.id]))
    columns += _dummies(cohort.sites.code[units.pid])
    for name in predictors:
        if name not in people.columns:
            continue
        values = people[name].to_numpy()[units.pid]
        if values.dtype == object:
            columns += _dummies(np.unique(values.astype(str), return_inverse=True)[1])
        else:
            columns += _filled(values.astype(float))
    varied = [x for x in columns if np.ptp(x) > 0]
    scaled = [(x - x.mean()) / x.std() for x in varied]
    return np.stack([np.ones(len(units)), *scaled], axis=1)


def _mean_score(units: Units, scored: Scored) -> _Array:
    """Return the mean over readers of each unit's score; NaN without any."""
    at, keep = unit_of_each(units, scored), ~np.isnan(scored.score)
    count = np.bincount(at[keep], minlength=len(units))
    total = np.bincount(at[keep], weights=scored.score[keep], minlength=len(units))
    return np.divide(total, count, out=np.full(len(units), np.nan), where=count > 0)


def _filled(values: _Array) -> list[_Array]:
    """Return values with gaps at the mean, and where there are gaps their indicator."""
    gap = np.isnan(values)
    if gap.all():
        return []
    filled = np.where(gap, values[~gap].mean(), values)
    return [filled, gap.astype(float)] if gap.any() else [filled]


def _dummies(code: NDArray[np.intp]) -> list[_Array]:
    return [(code == level).astype(float) for level in np.unique(code)[1:]]


def _fitted(
    design: _Array, verdicts: _Array, weights: _Array, *, start: _Array | None = None
) -> _Array:
    """Return the slopes of a weighted logistic model with a normal prior, by Newton's method."""
    penalty = np.full(design.shape[1], 1 / PRIOR_SD**2)
    penalty[0] = 1e-6  # the intercept is free, but a drawn sample may hold one class only
    slopes = np.zeros(design.shape[1]) if start is None else start
    keep = weights > 0
    x, y, w = design[keep], verdicts[keep], weights[keep]
    for _ in range(_STEPS):
        risk = special.expit(x @ slopes)
        gradient = x.T @ (w * (y - risk)) - penalty * slopes
        curvature = (x * (w * risk * (1 - risk))[:, None]).T @ x + np.diag(penalty)
        step = np.linalg.solve(curvature, gradient)
        slopes = slopes + np.clip(step, -2, 2)
        if float(np.abs(step).max()) < _NEAR:
            break
    return slopes
