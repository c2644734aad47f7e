"""Runs a plan on tables: the same plan and tables give the same rows, byte for byte."""

from types import MappingProxyType

import pandas as pd

from evaluation.analysis.flow import baseline_rows, flow_rows, target_rows
from evaluation.analysis.plan import Plan
from evaluation.analysis.primary import agreement_rows, similarity_rows
from evaluation.analysis.results import AnalysisResult, ResultRow, numbered
from evaluation.analysis.secondary import SCORE_COLUMNS, condition_rows
from evaluation.analysis.tables import Tables, prepared

_ROC_COLUMNS = ["target_condition", "unit", "test", "threshold", "fpr", "tpr"]


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
    tables = prepared(plan, tables)
    rows = flow_rows(plan, tables) + target_rows(plan, tables) + baseline_rows(plan, tables)
    similarity: list[pd.DataFrame] = []
    pairs: list[pd.DataFrame] = []
    for endpoint in plan.primary:
        if endpoint.kind == "similarity":
            more, series = similarity_rows(plan, tables, endpoint)
            similarity.append(series)
        else:
            more, series = agreement_rows(plan, tables, endpoint)
            pairs.append(series)
        rows += more
    parts = {"similarity": similarity, "agreement": pairs, "roc": [], "scores": []}
    for condition in plan.target_condition:
        more, own = condition_rows(plan, tables, condition)
        rows += more
        for name, frames in own.items():
            parts[name] += frames
    return _result(plan, tables, rows, parts)


def _result(
    plan: Plan, tables: Tables, rows: list[ResultRow], parts: dict[str, list[pd.DataFrame]]
) -> AnalysisResult:
    series = {name: _joined(frames) for name, frames in parts.items()}
    for name, columns in (("roc", _ROC_COLUMNS), ("scores", SCORE_COLUMNS)):
        if series[name].empty:
            series[name] = pd.DataFrame({c: pd.Series(dtype="object") for c in columns})
    series["sites"] = tables.sites
    return AnalysisResult(numbered(rows), MappingProxyType(series), plan.digest)


def _joined(frames: list[pd.DataFrame]) -> pd.DataFrame:
    filled = [frame for frame in frames if len(frame)]
    if filled:
        return pd.concat(filled, ignore_index=True)
    return frames[0] if frames else pd.DataFrame()
