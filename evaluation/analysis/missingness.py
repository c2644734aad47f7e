"""What is missing, of every variable that the analysis uses."""

from dataclasses import replace

import numpy as np

from evaluation.analysis.cohort import Cohort
from evaluation.analysis.consistency import regions_of
from evaluation.analysis.questions import Question
from evaluation.analysis.results import Place, ResultRow
from evaluation.analysis.similarity import pair_sample
from evaluation.analysis.variants import Questions, agreements, similarities


def missingness_rows(cohort: Cohort, asked: Questions) -> list[ResultRow]:
    """Return counts of missing, failed and indeterminate values, with their denominators."""
    rows = _column_rows(cohort) + _primary_rows(cohort)
    for question in asked:
        rows += _question_rows(cohort, question)
    return rows


def _column_rows(cohort: Cohort) -> list[ResultRow]:
    chosen = cohort.plan.analysis_set[0].id
    people = cohort.people[cohort.inside(chosen)]
    place = _place(cohort, chosen, "participant")
    names = dict.fromkeys(
        [*(b.column for b in cohort.plan.baseline), *(s.column for s in cohort.plan.subgroup)]
    )
    rows = []
    for name in names:
        at = replace(place, quantity=name)
        if name not in people.columns:
            reason = f"the participants table has no column {name!r}"
            rows.append(at.plain("missing", None, n=len(people), reason=reason))
            continue
        values = people[name]
        gone = values.isna() | (values.astype(object) == "")
        rows.append(at.plain("missing", float(gone.sum()), n=len(people)))
    return rows


def _primary_rows(cohort: Cohort) -> list[ResultRow]:
    rows = []
    for endpoint, quantity in similarities(cohort):
        sample = pair_sample(cohort, quantity, endpoint.region, endpoint.analysis_set)
        place = replace(
            _place(cohort, endpoint.analysis_set, endpoint.unit), quantity=quantity,
            region=endpoint.region,
        )  # fmt: skip
        gone = float(np.isnan(sample.value).sum())
        rows.append(place.plain("missing", gone, n=len(sample.value)))
    for endpoint, quantity in agreements(cohort):
        for region, pairs in regions_of(cohort, endpoint, quantity):
            place = replace(
                _place(cohort, endpoint.analysis_set, endpoint.unit), quantity=quantity,
                region=region.rstrip(":"),
            )  # fmt: skip
            gone = float(np.isnan(pairs.reference + pairs.synthetic).sum())
            rows.append(place.plain("missing", gone, n=len(pairs)))
    return rows


def _question_rows(cohort: Cohort, question: Question) -> list[ResultRow]:
    place = question.place(cohort.plan, "missingness", "missingness")
    status, n = question.units.status, len(question.units)
    rows = [
        place.plain(name, float((status == name).sum()), n=n)
        for name in ("missing", "indeterminate")
    ]
    for test in question.answered:
        scored, at = question.scored[test.id], replace(place, test=test.id)
        gone = np.isnan(scored.score) & ~scored.indeterminate & ~scored.failed
        for name, which in (
            ("missing", gone), ("indeterminate", scored.indeterminate), ("failed", scored.failed),
        ):  # fmt: skip
            rows.append(at.plain(name, float(which.sum()), n=len(scored)))
    return rows


def _place(cohort: Cohort, analysis_set: str, unit: str) -> Place:
    return Place("missingness", "missingness", analysis_set, cohort.plan.level, unit=unit)
