"""Secondary endpoints: accuracy of index tests for each target condition and unit."""

from dataclasses import replace

import numpy as np
import pandas as pd

from evaluation.analysis.plan import ConditionUnit, IndexTest, Plan, TargetCondition
from evaluation.analysis.results import Place, ResultRow
from evaluation.analysis.subgroups import split
from evaluation.analysis.tables import Tables, members
from evaluation.analysis.units import readers_of, reference_units, scored_units
from evaluation.diagnostic import (
    PairedAccuracy,
    accuracy,
    auc,
    compare_paired,
    delong_test,
    roc,
)
from evaluation.statistics import Comparison, Estimate, not_estimable

_MEASURES = ("sensitivity", "specificity", "ppv", "npv", "accuracy", "auc")
_UNREGISTERED = "the test is not registered in the plan: there is no locked cut-off"


Series = dict[str, list[pd.DataFrame]]
SCORE_COLUMNS = ("target_condition", "unit", "test", "participant", "site", "unit_id", "reader", "truth",
                 "score", "cutoff")  # fmt: skip
"""One row per judged unit: what an independent recomputation of the accuracy needs."""


def condition_rows(
    plan: Plan, tables: Tables, condition: TargetCondition
) -> tuple[list[ResultRow], Series]:
    """Return the rows of a target condition, and the ROC points and scores behind them."""
    people = members(plan.set_named(condition.analysis_set), tables.participants)
    rows: list[ResultRow] = []
    series: Series = {"roc": [], "scores": []}
    for unit in condition.unit:
        place = Place(
            condition.id, "secondary", condition.analysis_set, plan.level,
            target_condition=condition.id, unit=unit.id,
        )  # fmt: skip
        if unit.not_estimable:
            none = not_estimable(unit.not_estimable, level=plan.level)
            rows += [place.row(name, none) for name in ("specificity", "npv", "auc")]
            continue
        rows += _reference_rows(place, tables, reference_units(tables, people, condition, unit))
        for test in (*plan.index_test, *_unregistered(plan, tables, condition, unit)):
            scored = scored_units(tables, people, condition=condition, unit=unit, test=test)
            more, points = _test_rows(
                plan, tables, replace(place, test=test.id), test=test, scored=scored
            )
            rows += more
            series["roc"] += points
            series["scores"].append(_scores(place, test, scored))
        rows += _contrast_rows(plan, tables, people, place, judged=(condition, unit))
    return rows, series


def _scores(place: Place, test: IndexTest, scored: pd.DataFrame) -> pd.DataFrame:
    cutoff = test.cutoff.get(place.target_condition, np.nan)
    named = scored.assign(
        target_condition=place.target_condition, unit=place.unit, test=test.id, cutoff=cutoff
    )
    return named[list(SCORE_COLUMNS)]


def _unregistered(
    plan: Plan, tables: Tables, condition: TargetCondition, unit: ConditionUnit
) -> list[IndexTest]:
    s = tables.index_scores
    own = s[(s["target_condition"] == condition.id) & (s["unit"] == unit.id)]
    known = {test.id for test in plan.index_test}
    return [IndexTest(name, name, "scores", "", {}) for name in sorted(set(own["test"]) - known)]


def _reference_rows(place: Place, tables: Tables, units: pd.DataFrame) -> list[ResultRow]:
    rows = []
    for name, group in split(units, tables.sites):
        for status in ("positive", "negative", "indeterminate", "missing"):
            count = float((group["status"] == status).sum())
            rows.append(place.at(name).plain(f"reference_{status}", count, n=len(group)))
    return rows


def _test_rows(
    plan: Plan, tables: Tables, place: Place, *, test: IndexTest, scored: pd.DataFrame
) -> tuple[list[ResultRow], list[pd.DataFrame]]:
    readers = readers_of(scored)
    if test.kind == "scores" and not readers:
        none = not_estimable("no score of this test is recorded", level=plan.level)
        return [place.row("auc", none)], []
    place = replace(place, prespecified=bool(test.cutoff))
    rows: list[ResultRow] = []
    curves = [_points(place, scored)]
    for name, group in split(scored, tables.sites):
        rows += _accuracy_rows(plan, place.at(name), test, group)
    for reader in readers if len(readers) > 1 else []:
        own = scored[scored["reader"] == reader]
        at = replace(place, test=f"{test.id}:{reader}")
        rows += _accuracy_rows(plan, at, test, own)
        curves.append(_points(at, own))
    return rows, curves


def _accuracy_rows(
    plan: Plan, place: Place, test: IndexTest, scored: pd.DataFrame
) -> list[ResultRow]:
    truth, score = scored["truth"].to_numpy(float), scored["score"].to_numpy(float)
    cluster = _cluster(scored)
    rows = []
    cutoff = test.cutoff.get(place.target_condition)
    if cutoff is None:
        none = not_estimable(_UNREGISTERED, level=plan.level, n=len(scored))
        rows += [place.row(name, none) for name in _MEASURES[:-1]]
    else:
        table = accuracy(truth, score, cutoff, cluster=cluster, level=plan.level)
        rows.append(place.plain("cutoff", cutoff, n=len(scored), method="locked in the plan"))
        for name in ("tp", "fp", "fn", "tn", "missing_reference", "missing_index"):
            rows.append(place.plain(name, float(getattr(table, name)), n=len(scored)))
        rows += [place.row(name, e) for name, e in table.estimates().items()]
    area = auc(truth, score, cluster=cluster, level=plan.level)
    rows.append(place.row("auc", _enough(plan, truth, score, area)))
    return rows


def _cluster(scored: pd.DataFrame) -> np.ndarray | None:
    who = scored["participant"].to_numpy()
    return who if len(set(who)) < len(who) else None


def _enough(plan: Plan, truth: np.ndarray, score: np.ndarray, area: Estimate) -> Estimate:
    known = ~np.isnan(truth) & ~np.isnan(score)
    positives, negatives = int((truth[known] == 1).sum()), int((truth[known] == 0).sum())
    few = positives < plan.minimum.positives or negatives < plan.minimum.negatives
    if not area.estimable or not few:
        return area
    return not_estimable(
        f"only {positives} positive and {negatives} negative cases, fewer than the plan asks for",
        level=area.level, n=area.n, clusters=area.clusters, missing=area.missing,
        method=area.method,
    )  # fmt: skip


def _points(place: Place, scored: pd.DataFrame) -> pd.DataFrame:
    curve = roc(scored["truth"].to_numpy(float), scored["score"].to_numpy(float))
    if not (curve.positives and curve.negatives):
        return pd.DataFrame()
    return pd.DataFrame(
        {
            "target_condition": place.target_condition,
            "unit": place.unit,
            "test": place.test,
            "threshold": curve.threshold,
            "fpr": 1 - curve.specificity,
            "tpr": curve.sensitivity,
        }
    )


def _contrast_rows(
    plan: Plan,
    tables: Tables,
    people: pd.DataFrame,
    place: Place,
    *,
    judged: tuple[TargetCondition, ConditionUnit],
) -> list[ResultRow]:
    tests = {test.id: test for test in plan.index_test}
    keys = ["participant", "unit_id", "reader"]
    rows = []
    for pair in plan.comparison:
        one, two = (
            scored_units(tables, people, condition=judged[0], unit=judged[1], test=tests[name])
            for name in (pair.test, pair.against)
        )
        both = one.merge(two[[*keys, "score"]], on=keys, suffixes=("", "_against"))
        if both[["score", "score_against"]].dropna().empty:
            continue
        e = _difference(plan, both)
        at = replace(place, test=f"{pair.test} - {pair.against}")
        cutoffs = [tests[name].cutoff[judged[0].id] for name in (pair.test, pair.against)]
        calls = _paired_calls(plan, both, cutoffs)
        for name, found in (
            ("auc", e), ("sensitivity", calls.sensitivity), ("specificity", calls.specificity),
        ):  # fmt: skip
            rows.append(at.row(f"{name}_difference", found))
            if found.p_value is not None:
                p = at.plain(f"{name}_difference_p", found.p_value, n=found.n, method=found.method)
                rows.append(p)
    return rows


def _paired_calls(plan: Plan, both: pd.DataFrame, cutoffs: list[float]) -> PairedAccuracy:
    scores = [both[name].to_numpy(float) for name in ("score", "score_against")]
    calls = [
        np.where(np.isnan(score), np.nan, score >= cutoff)
        for score, cutoff in zip(scores, cutoffs, strict=True)
    ]
    return compare_paired(
        both["truth"].to_numpy(float), calls[0], calls[1], cluster=_cluster(both), level=plan.level
    )


def _difference(plan: Plan, both: pd.DataFrame) -> Comparison:
    return delong_test(
        both["truth"].to_numpy(float),
        both["score"].to_numpy(float),
        both["score_against"].to_numpy(float),
        cluster=_cluster(both),
        level=plan.level,
    )
