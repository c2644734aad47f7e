"""Baseline of the first analysis set: by site, and with and without each target condition."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from evaluation.analysis.cohort import Cohort
from evaluation.analysis.flow import everyone_and_sites
from evaluation.analysis.plan_parts import BaselineVariable
from evaluation.analysis.questions import Question
from evaluation.analysis.results import Place, ResultRow
from evaluation.analysis.tables import TablesError
from evaluation.statistics import mean_interval, present, quantile_intervals

_FIXED = (
    BaselineVariable("age_years", "Age", "number", "a"),
    BaselineVariable("sex", "Sex", "category"),
)
_SEX = {"F": "female", "M": "male"}
_MOST_LEVELS = 40


def baseline_rows(cohort: Cohort, asked: Sequence[Question]) -> list[ResultRow]:
    """Return the baseline variables of the plan (age and sex where it names none)."""
    chosen = cohort.plan.analysis_set[0].id
    inside = cohort.inside(chosen)
    place = Place("baseline", "baseline", chosen, cohort.plan.level, unit="participant")
    groups = everyone_and_sites(cohort)
    for question in asked:
        if question.unit.id == "participant":
            groups += _by_condition(cohort, question)
    rows: list[ResultRow] = []
    for name, keep in groups:
        own, at = keep & inside, place.at(name)
        rows.append(at.plain("participants", float(own.sum()), n=int(own.sum())))
        for variable in cohort.plan.baseline or _FIXED:
            rows += _variable_rows(cohort, at, variable, own)
    return rows


def _by_condition(cohort: Cohort, question: Question) -> list[tuple[str, np.ndarray]]:
    groups = []
    for verdict in ("positive", "negative"):
        keep = np.zeros(len(cohort.people), dtype=bool)
        keep[question.units.pid[question.units.status == verdict]] = True
        groups.append((f"{question.condition.id}:{verdict}", keep))
    return groups


def _variable_rows(
    cohort: Cohort, place: Place, variable: BaselineVariable, keep: np.ndarray
) -> list[ResultRow]:
    at = replace(place, quantity=variable.column)
    if variable.column not in cohort.people.columns:
        reason = f"the participants table has no column {variable.column!r}"
        name = "mean" if variable.kind == "number" else "known"
        return [at.plain(name, None, n=0, missing=int(keep.sum()), reason=reason)]
    values = cohort.people[variable.column].to_numpy()
    if variable.kind == "number":
        return _number_rows(at, values[keep].astype(float), variable.unit)
    if variable.column == "sex":
        return _sex_rows(at, values[keep])
    return _category_rows(cohort, at, keep)


def _number_rows(at: Place, values: np.ndarray, unit: str) -> list[ResultRow]:
    known, missing = present(values)
    plain: dict[str, Any] = {"n": len(known), "missing": missing, "unit_of_value": unit}
    rows = [at.row("mean", mean_interval(values, level=at.level, unit=unit))]
    if len(known) > 1:
        sd = float(known.std(ddof=1))
        rows.append(at.plain("sd", sd, method="standard deviation", **plain))
    estimates = quantile_intervals(values, (0.25, 0.5, 0.75), level=at.level, unit=unit)
    rows += [at.row(name, e) for name, e in zip(("q1", "median", "q3"), estimates, strict=True)]
    if len(known):
        for name, value in (("min", known.min()), ("max", known.max())):
            rows.append(at.plain(name, float(value), method="order statistic", **plain))
    return rows


def _sex_rows(at: Place, values: np.ndarray) -> list[ResultRow]:
    known = int(np.isin(values, list(_SEX)).sum())
    return [
        at.plain(name, float((values == code).sum()), n=known, missing=len(values) - known)
        for code, name in _SEX.items()
    ]


def _category_rows(cohort: Cohort, at: Place, keep: np.ndarray) -> list[ResultRow]:
    # Levels come from everybody, so that each group of the table has the same lines.
    code, levels = cohort.once(("levels", at.quantity), lambda: _levels(cohort, at.quantity))
    own = code[keep]
    known = int((own >= 0).sum())
    missing = len(own) - known
    rows = [at.plain("known", float(known), n=len(own), missing=missing)]
    for level, label in enumerate(levels):
        count = float((own == level).sum())
        rows.append(at.plain(f"count:{label}", count, n=known, missing=missing))
    return rows


def _levels(cohort: Cohort, column: str) -> tuple[np.ndarray, list[str]]:
    """Return the level of each participant, -1 where it is not recorded, and the levels."""
    values = cohort.people[column].replace("", np.nan)
    code, levels = pd.factorize(values, sort=True)
    if len(levels) > _MOST_LEVELS:
        raise TablesError(
            f"table participants: column {column!r} has {len(levels)} levels; a category of the "
            f"baseline has at most {_MOST_LEVELS}"
        )
    return np.asarray(code), [str(level) for level in levels]
