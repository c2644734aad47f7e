"""Secondary endpoints: accuracy of index tests for each target condition and unit."""

from dataclasses import replace

import numpy as np
import pandas as pd

from evaluation.analysis.accuracy_rows import (
    area_rows,
    brief_rows,
    table_rows,
    withheld_area,
)
from evaluation.analysis.cohort import Cohort
from evaluation.analysis.heterogeneity import (
    as_share,
    heterogeneity_rows,
    interaction_row,
)
from evaluation.analysis.plan_parts import IndexTest
from evaluation.analysis.questions import Handling, Question, calls, decided
from evaluation.analysis.results import Place, ResultRow
from evaluation.analysis.score_parts import MEASURES, measure_parts
from evaluation.analysis.similarity import absent_rows
from evaluation.analysis.units import Scored
from evaluation.diagnostic import roc
from evaluation.statistics import not_estimable

Series = dict[str, list[pd.DataFrame]]
SCORE_COLUMNS = ("target_condition", "unit", "test", "participant", "site", "unit_id", "reader", "truth",
                 "score", "cutoff", "call")  # fmt: skip
"""One row per judged unit: what an independent recomputation of the accuracy needs."""
ROC_COLUMNS = ("target_condition", "unit", "test", "threshold", "fpr", "tpr", "tpr_lower",
               "tpr_upper")  # fmt: skip
_MOST_POINTS = 1000
"""A drawn curve shows no more; every score stands in the series of scores."""


def not_estimable_rows(cohort: Cohort) -> list[ResultRow]:
    """Return rows for the units of which the plan says that nothing can be estimated."""
    rows = []
    for condition in cohort.plan.target_condition:
        for unit in condition.unit:
            place = Place(
                condition.id, "secondary", condition.analysis_set, cohort.plan.level,
                target_condition=condition.id, unit=unit.id,
            )  # fmt: skip
            if unit.not_estimable:
                none = not_estimable(unit.not_estimable, level=cohort.plan.level)
                rows += [place.row(name, none) for name in ("specificity", "npv", "auc")]
    return rows


def question_rows(cohort: Cohort, question: Question) -> tuple[list[ResultRow], Series]:
    """Return the rows of a question among its analysis set, ROC points and scores behind them."""
    series: Series = {"roc": [], "scores": []}
    place = question.place(cohort.plan)
    rows = _reference_rows(cohort, place, question)
    for test in question.tests:
        scored = question.scored[test.id]
        at = replace(place, test=test.id, prespecified=bool(test.cutoff))
        rows += _test_rows(cohort, at, test, scored)
        series["scores"].append(_scores(cohort, at, test, scored))
        series["roc"] += _curves(cohort, at, scored)
    return rows, series


def _reference_rows(cohort: Cohort, place: Place, question: Question) -> list[ResultRow]:
    units = question.units
    everyone = ("all", np.ones(len(units), dtype=bool))
    rows = []
    for name, keep in (everyone, *cohort.sites.split(units.pid)):
        for status in ("positive", "negative", "indeterminate", "missing"):
            count = float((units.status[keep] == status).sum())
            rows.append(place.at(name).plain(f"reference_{status}", count, n=int(keep.sum())))
    return rows


def _test_rows(cohort: Cohort, place: Place, test: IndexTest, scored: Scored) -> list[ResultRow]:
    if test.kind == "scores" and not scored.readers:
        none = not_estimable("no score of this test is recorded", level=cohort.plan.level)
        return [place.row("auc", none)]
    handling = Handling.of(cohort.plan)
    rows = table_rows(cohort.plan, place, test, scored, handling=handling)
    rows += area_rows(cohort, place, scored, whole=True)
    for name, keep in cohort.sites.split(scored.pid):
        own, at = scored.where(keep), place.at(name)
        rows += table_rows(cohort.plan, at, test, own, handling=handling)
        rows.append(at.row("auc", withheld_area(cohort, own)))
    rows += _differences(cohort, place, test, scored)
    for reader in scored.readers if len(scored.readers) > 1 else []:
        own = scored.where(scored.reader == reader)
        at = replace(place, test=f"{test.id}:{reader}")
        rows += table_rows(cohort.plan, at, test, own, handling=handling)
        rows += area_rows(cohort, at, own, whole=False)
    return rows


def _differences(cohort: Cohort, place: Place, test: IndexTest, scored: Scored) -> list[ResultRow]:
    """Return how sites differ, and the demographic subgroups with their interaction."""
    rows: list[ResultRow] = []
    plan = cohort.plan
    by_site = measure_parts(cohort, cohort.sites, test, scored, condition=place.target_condition)
    for name, parts in by_site.items():
        rows += heterogeneity_rows(plan, place, parts, prefix=f"{name}_", transform=as_share)
    for partition in cohort.demographics:
        for level, keep in partition.split(scored.pid):
            rows += brief_rows(cohort, place.at(level), test, scored.where(keep))
        found = measure_parts(cohort, partition, test, scored, condition=place.target_condition)
        for name, parts in found.items():
            rows.append(interaction_row(place, partition.id, parts, prefix=f"{name}_"))
    for name in MEASURES if cohort.absent_subgroups else ():
        rows += absent_rows(cohort, place, prefix=f"{name}_")
    return rows


def _scores(cohort: Cohort, place: Place, test: IndexTest, scored: Scored) -> pd.DataFrame:
    cutoff = test.cutoff.get(place.target_condition, np.nan)
    handling = Handling.of(cohort.plan)
    call = decided(calls(scored, cutoff, handling), scored, handling)
    people = cohort.people.iloc[scored.pid]
    return pd.DataFrame(
        {
            "target_condition": place.target_condition, "unit": place.unit, "test": test.id,
            "participant": people["participant"].to_numpy(), "site": people["site"].to_numpy(),
            "unit_id": scored.unit_id, "reader": scored.reader, "truth": scored.truth,
            "score": scored.score, "cutoff": cutoff,
            "call": np.full(len(scored), np.nan) if np.isnan(cutoff) else call,
        }
    )[list(SCORE_COLUMNS)]  # fmt: skip


def _curves(cohort: Cohort, place: Place, scored: Scored) -> list[pd.DataFrame]:
    frames = [_points(cohort, place, scored)]
    for reader in scored.readers if len(scored.readers) > 1 else []:
        own = scored.where(scored.reader == reader)
        frames.append(_points(cohort, replace(place, test=f"{place.test}:{reader}"), own))
    return frames


def _points(cohort: Cohort, place: Place, scored: Scored) -> pd.DataFrame:
    curve = roc(
        scored.truth, scored.score, cluster=scored.cluster, level=cohort.plan.level, bands=True
    )
    points = curve.points
    if not (curve.positives and curve.negatives):
        return pd.DataFrame()
    size = len(points.threshold)
    shown = np.unique(np.linspace(0, size - 1, min(size, _MOST_POINTS)).round().astype(int))
    frame = pd.DataFrame(
        {
            "target_condition": place.target_condition, "unit": place.unit, "test": place.test,
            "threshold": points.threshold, "fpr": 1 - points.specificity,
            "tpr": points.sensitivity, "tpr_lower": points.sensitivity_lower,
            "tpr_upper": points.sensitivity_upper,
        }
    )  # fmt: skip
    return frame[list(ROC_COLUMNS)].iloc[shown].reset_index(drop=True)
