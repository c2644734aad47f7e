"""Multiple imputation of a missing reference standard, from what is known of the unit.

Each imputation draws the slopes of a logistic model from their approximate posterior (normal, with
a covariance that respects participants as clusters) and then the missing verdicts from its risks, so
that the uncertainty of the model is part of the draw: Rubin DB, Multiple Imputation for Nonresponse
in Surveys, 1987, 5.4; White IR et al., Stat Med 2011;30:377.
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
    slopes, root = _posterior(design[known], verdicts, units.pid[known])
    drawn = slopes + rng.standard_normal((imputations, len(slopes))) @ root.T
    uniform = rng.random((imputations, len(missing)))
    return Imputer(missing, drawn @ design[missing].T, uniform)


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


def _posterior(design: _Array, verdicts: _Array, pid: NDArray[np.intp]) -> tuple[_Array, _Array]:
    """Return the slopes of a logistic model with a normal prior, and a root of their covariance."""
    penalty = np.full(design.shape[1], 1 / PRIOR_SD**2)
    penalty[0] = _NEAR  # the intercept is free
    slopes = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        risk = special.expit(design @ slopes)
        gradient = design.T @ (verdicts - risk) - penalty * slopes
        curvature = (design * (risk * (1 - risk))[:, None]).T @ design + np.diag(penalty)
        step = np.clip(np.linalg.solve(curvature, gradient), -2, 2)
        slopes = slopes + step
        if float(np.abs(step).max()) < _NEAR:
            break
    return slopes, _root(design, verdicts - special.expit(design @ slopes), curvature, pid)


def _root(design: _Array, residual: _Array, curvature: _Array, pid: NDArray[np.intp]) -> _Array:
    """Return a matrix A with ``A A' = `` the larger of model-based and cluster-robust covariance.

    With few participants the robust covariance may vanish in a direction; the prior's then stands.
    """
    inverse = np.linalg.inv(curvature)
    people, codes = np.unique(pid, return_inverse=True)
    scores = np.stack(
        [np.bincount(codes, weights=column * residual) for column in design.T], axis=1
    )
    robust = inverse @ (scores.T @ scores) @ inverse * (len(people) / max(len(people) - 1, 1))
    chosen = robust if np.trace(robust) > np.trace(inverse) else inverse
    values, vectors = np.linalg.eigh((chosen + chosen.T) / 2)
    return np.asarray(vectors * np.sqrt(np.clip(values, 0, None)))
