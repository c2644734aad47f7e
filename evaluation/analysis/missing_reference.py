"""What a missing reference standard may change: imputation, tipping point, Begg and Greenes."""

import zlib

import numpy as np
from numpy.typing import NDArray

from evaluation.analysis.cohort import Cohort
from evaluation.analysis.imputation import Imputer, imputer, unit_of_each
from evaluation.analysis.imputed_accuracy import Completed, Pooling, area_pooling, share_pooling
from evaluation.analysis.plan_methods import SensitivityAnalysis
from evaluation.analysis.plan_parts import IndexTest
from evaluation.analysis.questions import Handling, Question, calls, decided
from evaluation.analysis.results import Place, ResultRow
from evaluation.analysis.units import Scored
from evaluation.analysis.variants import (
    HEADLINES,
    Questions,
    among_sets,
    cutoff_of,
    place_of_test,
    registered,
)
from evaluation.statistics import Estimate, tipping_point


def imputed_rows(
    cohort: Cohort, asked: Questions, analysis: SensitivityAnalysis
) -> list[ResultRow]:
    """Return accuracy and areas with the missing reference standards imputed."""
    rows = []
    for question in among_sets(cohort, asked):
        model = imputer_of(cohort, question, analysis)
        for test, _ in registered(question):
            place = place_of_test(cohort, question, test, analysis)
            for name in (*HEADLINES, "auc"):
                pooling = imputed_pooling(cohort, question, test, model=model, name=name)
                rows.append(place.row(name, pooling.estimate(cohort.plan.level)))
    return rows


def tipping_rows(
    cohort: Cohort, asked: Questions, analysis: SensitivityAnalysis
) -> list[ResultRow]:
    """Return the estimate at each shift of the log odds, and the first that crosses the bound."""
    rows = []
    name = analysis.statistic
    for question in among_sets(cohort, asked):
        model = imputer_of(cohort, question, analysis)
        if not len(model.missing):
            continue
        for test, _ in registered(question):
            place = place_of_test(cohort, question, test, analysis)
            shifted = {
                delta: imputed_pooling(
                    cohort, question, test, model=model, name=name, delta=delta
                ).estimate(cohort.plan.level)
                for delta in analysis.deltas
            }
            rows += [place.row(f"{name}_delta:{d:g}", e) for d, e in shifted.items()]
            rows += _tipping(place, analysis, shifted)
    return rows


def _tipping(
    place: Place, analysis: SensitivityAnalysis, shifted: dict[float, Estimate]
) -> list[ResultRow]:
    """Return the first shift, upwards and downwards, at which the lower limit leaves the bound."""
    rows, bound = [], analysis.bound or 0.0
    for name, steps in (
        ("up", [d for d in analysis.deltas if d >= 0]),
        ("down", [d for d in reversed(analysis.deltas) if d <= 0]),
    ):
        if not steps:
            continue
        found = tipping_point(shifted.__getitem__, steps, bound=bound, side="lower")
        method = f"first shift at which the lower limit is not above {bound:g}"
        rows.append(
            place.plain(
                f"tipping_point_{name}", found.delta, n=shifted[steps[0]].n, method=method,
                reason=found.reason,
            )
        )  # fmt: skip
    return rows


def imputer_of(cohort: Cohort, question: Question, analysis: SensitivityAnalysis) -> Imputer:
    """Return the imputer of a question; the same for the same plan, whatever comes before it."""
    key = f"imputation|{question.condition.id}|{question.unit.id}"
    return cohort.once(
        (key, analysis.predictors, analysis.imputations),
        lambda: imputer(
            cohort, question, predictors=analysis.predictors, imputations=analysis.imputations,
            seed=cohort.plan.seed + zlib.crc32(key.encode()),
        ),
    )  # fmt: skip


def imputed_pooling(
    cohort: Cohort,
    question: Question,
    test: IndexTest,
    *,
    model: Imputer,
    name: str,
    delta: float = 0.0,
) -> Pooling:
    """Return one measure of a test over the imputed tables."""
    scored = question.scored[test.id]
    truth = scored.truth
    key = ("place", question.condition.id, question.unit.id, test.id)
    at = cohort.once(key, lambda: _places(question, scored, model))
    if name == "auc":
        keep = ~np.isnan(scored.score)
    else:
        # A failure that counts as wrong has no call until its verdict is drawn: it is left out
        # where the verdict is missing, and wrong where it is known.
        handling = Handling.of(cohort.plan)
        call = decided(calls(scored, cutoff_of(question, test), handling), scored, handling)
        keep = ~np.isnan(call)
    people, codes = np.unique(scored.pid[keep], return_inverse=True)
    imputed = np.flatnonzero(np.isnan(truth[keep]))
    verdicts = model.verdicts(delta).astype(float)[:, at[keep][imputed]]
    tables = Completed(truth[keep], codes, imputed, verdicts)
    if model.reason or not len(people):
        reason = model.reason or "no observation with a result of the index test"
        return Pooling(np.array([]), np.array([]), int(keep.sum()), len(people), 0, reason)
    if name == "auc":
        return area_pooling(tables, scored.score[keep], cohort.sites.code[scored.pid[keep]])
    return share_pooling(tables, call[keep], name)


def _places(question: Question, scored: Scored, model: Imputer) -> NDArray[np.intp]:
    """Return the place among the missing units of each observation, -1 where it is known."""
    column = np.full(len(question.units), -1, dtype=np.intp)
    column[model.missing] = np.arange(len(model.missing))
    return np.asarray(column[unit_of_each(question.units, scored)])
