"""Runs a plan on tables: the same plan and tables give the same rows, byte for byte."""

from collections.abc import Callable, Sequence
from types import MappingProxyType

import pandas as pd

from evaluation.analysis.baseline import baseline_rows
from evaluation.analysis.cohort import Cohort, cohort_of
from evaluation.analysis.consistency import agreement_rows
from evaluation.analysis.contrasts import contrast_rows
from evaluation.analysis.controls import control_rows, uptake_rows
from evaluation.analysis.demographic import concordance_rows
from evaluation.analysis.flow import flow_rows, stard_rows, target_rows
from evaluation.analysis.hypotheses import multiplicity_rows
from evaluation.analysis.listings import false_negatives
from evaluation.analysis.missing_reference import imputed_rows, tipping_rows
from evaluation.analysis.missingness import missingness_rows
from evaluation.analysis.plan import Plan
from evaluation.analysis.plan_methods import SensitivityAnalysis
from evaluation.analysis.precision_rows import precision_rows
from evaluation.analysis.prediction import (
    BENEFIT_COLUMNS,
    CALIBRATION_COLUMNS,
    prediction_rows,
)
from evaluation.analysis.questions import Question, questions
from evaluation.analysis.reader_rows import reader_rows
from evaluation.analysis.results import AnalysisResult, ResultRow, numbered
from evaluation.analysis.secondary import (
    ROC_COLUMNS,
    SCORE_COLUMNS,
    not_estimable_rows,
    question_rows,
)
from evaluation.analysis.sensitivity import SIMPLE
from evaluation.analysis.similarity import similarity_rows
from evaluation.analysis.tables import Tables
from evaluation.analysis.variants import Questions, among_sets
from evaluation.analysis.verification import corrected_rows, verification_rows

Parts = dict[str, list[pd.DataFrame]]
_COLUMNS = {
    "roc": ROC_COLUMNS, "scores": SCORE_COLUMNS, "calibration": CALIBRATION_COLUMNS,
    "net_benefit": BENEFIT_COLUMNS,
}  # fmt: skip
_SENSITIVITY: dict[str, Callable[[Cohort, Questions, SensitivityAnalysis], list[ResultRow]]] = {
    **SIMPLE,
    "multiple_imputation": imputed_rows,
    "begg_greenes": corrected_rows,
    "tipping_point": tipping_rows,
}


def run(plan: Plan, tables: Tables) -> AnalysisResult:
    """Return every result row of the study and the points behind its figures.

    Parameters
    ----------
    plan
        Read by `load_plan`; its digest goes into the result.
    tables
        Any order of rows; no participant at all is allowed and gives rows that are not estimable.

    Raises
    ------
    TablesError
        If a table lacks a column, repeats a row or holds several releases and the plan names none.
    """
    cohort = cohort_of(plan, tables)
    everywhere = questions(cohort)
    asked = among_sets(cohort, everywhere)
    parts: Parts = {
        name: [] for name in ("similarity", "agreement", "roc", "scores", "uptake", "calibration",
                              "net_benefit")
    }  # fmt: skip
    rows = flow_rows(cohort) + target_rows(cohort) + baseline_rows(cohort, everywhere)
    rows += missingness_rows(cohort, asked)
    main = _primary(cohort, parts) + _secondary(cohort, asked, parts)
    rows += main + precision_rows(cohort, main)
    for analysis in plan.sensitivity:
        rows += _SENSITIVITY[analysis.kind](cohort, everywhere, analysis)
    rows += multiplicity_rows(cohort, asked)
    return _result(cohort, rows, parts)


def _primary(cohort: Cohort, parts: Parts) -> list[ResultRow]:
    rows: list[ResultRow] = []
    for endpoint in cohort.plan.primary:
        if endpoint.kind == "similarity":
            more, series = similarity_rows(cohort, endpoint)
            parts["similarity"].append(series)
        else:
            more, series = agreement_rows(cohort, endpoint)
            parts["agreement"].append(series)
        rows += more
    more, series = uptake_rows(cohort)
    parts["uptake"].append(series)
    return rows + more + control_rows(cohort) + concordance_rows(cohort)


def _secondary(cohort: Cohort, asked: Sequence[Question], parts: Parts) -> list[ResultRow]:
    rows = not_estimable_rows(cohort)
    for question in asked:
        more, own = question_rows(cohort, question)
        rows += more + contrast_rows(cohort, question) + stard_rows(cohort, question)
        rows += verification_rows(cohort, question) + reader_rows(cohort, question)
        predicted, points, curve = prediction_rows(cohort, question)
        rows += predicted
        own |= {"calibration": [points], "net_benefit": [curve]}
        for name, frames in own.items():
            parts[name] += frames
    return rows


def _result(cohort: Cohort, rows: list[ResultRow], parts: Parts) -> AnalysisResult:
    series = {name: _joined(frames) for name, frames in parts.items()}
    for name, columns in _COLUMNS.items():
        if series[name].empty:
            series[name] = pd.DataFrame({c: pd.Series(dtype="object") for c in columns})
    comparators = frozenset(test.id for test in cohort.plan.index_test if test.comparator)
    series["false_negatives"] = false_negatives(parts["scores"], comparators)
    series["sites"] = cohort.tables.sites
    plan = cohort.plan
    return AnalysisResult(numbered(rows), MappingProxyType(series), plan.digest, plan)


def _joined(frames: list[pd.DataFrame]) -> pd.DataFrame:
    filled = [frame for frame in frames if len(frame)]
    if filled:
        return pd.concat(filled, ignore_index=True)
    return frames[0] if frames else pd.DataFrame()
