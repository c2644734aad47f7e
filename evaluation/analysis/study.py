"""Runs a plan on tables: the same plan and tables give the same rows, byte for byte."""

from collections.abc import Sequence
from types import MappingProxyType

import pandas as pd

from evaluation.analysis.baseline import baseline_rows
from evaluation.analysis.cohort import Cohort, cohort_of
from evaluation.analysis.consistency import agreement_rows
from evaluation.analysis.contrasts import contrast_rows
from evaluation.analysis.controls import control_rows, uptake_rows
from evaluation.analysis.flow import flow_rows, stard_rows, target_rows
from evaluation.analysis.plan import Plan
from evaluation.analysis.questions import Question, questions
from evaluation.analysis.results import AnalysisResult, ResultRow, numbered
from evaluation.analysis.secondary import (
    ROC_COLUMNS,
    SCORE_COLUMNS,
    not_estimable_rows,
    question_rows,
)
from evaluation.analysis.similarity import similarity_rows
from evaluation.analysis.tables import Tables

Parts = dict[str, list[pd.DataFrame]]
_COLUMNS = {"roc": ROC_COLUMNS, "scores": SCORE_COLUMNS}


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
    asked = [q.among(cohort.inside(q.condition.analysis_set)) for q in everywhere]
    parts: Parts = {"similarity": [], "agreement": [], "roc": [], "scores": [], "uptake": []}
    rows = flow_rows(cohort) + target_rows(cohort) + baseline_rows(cohort, everywhere)
    rows += _primary(cohort, parts) + _secondary(cohort, asked, parts)
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
    return rows + more + control_rows(cohort)


def _secondary(cohort: Cohort, asked: Sequence[Question], parts: Parts) -> list[ResultRow]:
    rows = not_estimable_rows(cohort)
    for question in asked:
        more, own = question_rows(cohort, question)
        rows += more + contrast_rows(cohort, question) + stard_rows(cohort, question)
        for name, frames in own.items():
            parts[name] += frames
    return rows


def _result(cohort: Cohort, rows: list[ResultRow], parts: Parts) -> AnalysisResult:
    series = {name: _joined(frames) for name, frames in parts.items()}
    for name, columns in _COLUMNS.items():
        if series[name].empty:
            series[name] = pd.DataFrame({c: pd.Series(dtype="object") for c in columns})
    series["sites"] = cohort.tables.sites
    plan = cohort.plan
    return AnalysisResult(numbered(rows), MappingProxyType(series), plan.digest, plan)


def _joined(frames: list[pd.DataFrame]) -> pd.DataFrame:
    filled = [frame for frame in frames if len(frame)]
    if filled:
        return pd.concat(filled, ignore_index=True)
    return frames[0] if frames else pd.DataFrame()
