"""Two index tests compared on the same units, participants as clusters."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from evaluation.analysis.accuracy_rows import FIXED_REASON, sensitivity_at, strata_of
from evaluation.analysis.cohort import Cohort
from evaluation.analysis.plan_parts import Contrast
from evaluation.analysis.questions import Handling, Question, calls, decided
from evaluation.analysis.results import Place, ResultRow
from evaluation.analysis.units import Scored
from evaluation.diagnostic import compare_auc, compare_paired, non_inferiority
from evaluation.statistics import Comparison

_MEASURES = ("auc", "sensitivity", "specificity", "ppv", "npv")


@dataclass(frozen=True, eq=False)
class Matched:
    """The results of two tests on the same units (and by the same reader)."""

    first: Scored
    second: Scored


def contrast_rows(cohort: Cohort, question: Question) -> list[ResultRow]:
    """Return the differences of every comparison of the plan that has units in common."""
    rows: list[ResultRow] = []
    for pair in cohort.plan.comparison:
        matched = matched_results(question, pair)
        if not len(matched.first):
            continue
        place = replace(question.place(cohort.plan), test=f"{pair.test} - {pair.against}")
        for name, e in differences(cohort, question, pair, matched).items():
            rows += _difference_rows(place, f"{name}_difference", e)
            rows += _margin_rows(place, pair, name, e)
        rows += _fixed_rows(cohort, place, matched)
    return rows


def _margin_rows(place: Place, pair: Contrast, name: str, e: Comparison) -> list[ResultRow]:
    """Return the verdict of non-inferiority where the comparison has a margin."""
    if pair.non_inferiority_margin is None or name not in _MEASURES[:3]:
        return []
    found = non_inferiority(e, margin=pair.non_inferiority_margin)
    held = None if found.non_inferior is None else float(found.non_inferior)
    method = found.reason if held is not None else "non-inferiority"
    return [
        place.plain(f"{name}_margin", found.margin, n=e.n, method="plan"),
        place.plain(
            f"{name}_non_inferior", held, n=e.n, method=method,
            reason=found.reason if held is None else "",
        ),
    ]  # fmt: skip


def _fixed_rows(cohort: Cohort, place: Place, matched: Matched) -> list[ResultRow]:
    fixed = cohort.plan.methods.fixed_specificity
    if fixed is None:
        return []
    both = ~np.isnan(matched.first.score) & ~np.isnan(matched.second.score)
    values = [sensitivity_at(own.where(both), fixed) for own in (matched.first, matched.second)]
    value = None if values[0] is None or values[1] is None else values[0] - values[1]
    reason = FIXED_REASON if value is not None else "a class is absent: there is no curve"
    return [
        place.plain(
            "sensitivity_at_specificity_difference", value, n=int(both.sum()), reason=reason,
            method=f"empirical curves at specificity {fixed:g}",
        )
    ]  # fmt: skip


def matched_results(question: Question, pair: Contrast) -> Matched:
    """Return the units that both tests have, a result in at least one each."""
    one, two = question.scored[pair.test], question.scored[pair.against]
    frames = [
        pd.DataFrame({"pid": s.pid, "unit_id": s.unit_id, "reader": s.reader, "at": range(len(s))})
        for s in (one, two)
    ]
    both = frames[0].merge(frames[1], on=["pid", "unit_id", "reader"], suffixes=("", "_against"))
    first = one.where(both["at"].to_numpy(dtype=int))
    second = two.where(both["at_against"].to_numpy(dtype=int))
    if np.isnan(first.score + second.score).all():
        nobody = np.zeros(len(first), dtype=bool)
        return Matched(first.where(nobody), second.where(nobody))
    return Matched(first, second)


def differences(
    cohort: Cohort,
    question: Question,
    pair: Contrast,
    matched: Matched,
    *,
    level: float | None = None,
) -> dict[str, Comparison]:
    """Return the differences ``test - against`` by measure."""
    plan, handling = cohort.plan, Handling.of(cohort.plan)
    level = plan.level if level is None else level
    one, two = matched.first, matched.second
    area = compare_auc(
        one.truth, one.score, two.score, cluster=one.cluster, strata=strata_of(cohort, one),
        level=level,
    )  # fmt: skip
    tests = {test.id: test for test in question.tests}
    called = [
        decided(calls(own, tests[name].cutoff[question.condition.id], handling), own, handling)
        for own, name in ((one, pair.test), (two, pair.against))
    ]
    paired = compare_paired(one.truth, *called, cluster=one.cluster, level=level)
    measures = {name: getattr(paired, name, None) for name in _MEASURES[1:]}
    return {"auc": area, **{name: e for name, e in measures.items() if e is not None}}


def _difference_rows(place: Place, statistic: str, e: Comparison) -> list[ResultRow]:
    rows = [place.row(statistic, e)]
    if e.p_value is not None:
        rows.append(place.plain(f"{statistic}_p", e.p_value, n=e.n, method=e.method))
    return rows
