"""Sensitivity analyses: the same numbers under one other assumption each, beside the main ones."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from evaluation.analysis.accuracy_rows import tabulated, withheld_area
from evaluation.analysis.cohort import Cohort
from evaluation.analysis.consistency import log_bias, regions_of
from evaluation.analysis.heterogeneity import as_percent, as_share, pooled_over_sites
from evaluation.analysis.plan_methods import SensitivityAnalysis
from evaluation.analysis.plan_parts import IndexTest
from evaluation.analysis.questions import Handling, Question, calls, decided
from evaluation.analysis.results import ResultRow
from evaluation.analysis.score_parts import measure_parts
from evaluation.analysis.similarity import Sample, pair_sample, parts_of, pooled_mean
from evaluation.analysis.units import Scored
from evaluation.analysis.variants import (
    HEADLINES,
    Questions,
    agreements,
    among_sets,
    averaged_samples,
    cutoff_of,
    place_of_test,
    primary_place,
    registered,
    similarities,
)
from evaluation.statistics import Estimate, not_estimable


def with_data_range(cohort: Cohort, _: Questions, analysis: SensitivityAnalysis) -> list[ResultRow]:
    """Return similarity measured with the other data range."""
    window = cohort.plan.image.sensitivity_data_range_suv
    rows = []
    for endpoint, quantity in similarities(cohort):
        other = f"{quantity}_l{window:g}"
        if quantity not in {"ssim", "psnr"} and not len(
            cohort.tables.measured(other, "pair", endpoint.region)
        ):
            continue
        sample = pair_sample(cohort, other, endpoint.region, endpoint.analysis_set)
        place = primary_place(cohort, endpoint, quantity, endpoint.region, analysis=analysis)
        e = pooled_mean(cohort, sample)
        reason = f"not measured with a data range of {window:g} SUV"
        rows.append(place.row("mean", e if e.estimable else replace(e, reason=reason)))
    return rows


def with_handling(
    cohort: Cohort, asked: Questions, analysis: SensitivityAnalysis
) -> list[ResultRow]:
    """Return accuracy with indeterminate or missing results counted otherwise."""
    main = Handling.of(cohort.plan)
    handling = {
        "indeterminate_positive": replace(main, indeterminate="positive"),
        "indeterminate_negative": replace(main, indeterminate="negative"),
        "worst_case": replace(main, failure="wrong", missing="wrong"),
    }[analysis.kind]
    rows = []
    for question in among_sets(cohort, asked):
        for test, scored in registered(question):
            place = place_of_test(cohort, question, test, analysis)
            table = tabulated(cohort.plan, scored, cutoff_of(question, test), handling)
            rows += [place.row(name, getattr(table, name)) for name in HEADLINES]
            if analysis.kind == "worst_case":
                e = withheld_area(cohort, _at_worst(scored), stratified=True)
                named = replace(e, method=f"{e.method}, missing scores ranked worst")
                rows.append(place.row("auc", named))
    return rows


def in_complete_cases(
    cohort: Cohort, asked: Questions, analysis: SensitivityAnalysis
) -> list[ResultRow]:
    """Return accuracy among participants with everything, determinate readings only."""
    return _accuracy_in(cohort, asked, analysis, Handling("excluded", "missing"))


def in_set(cohort: Cohort, asked: Questions, analysis: SensitivityAnalysis) -> list[ResultRow]:
    """Return every headline in another analysis set, or why that set cannot be formed."""
    rows = []
    gap = cohort.gap(analysis.analysis_set)
    for endpoint, quantity in similarities(cohort):
        place = primary_place(cohort, endpoint, quantity, endpoint.region, analysis=analysis)
        sample = pair_sample(cohort, quantity, endpoint.region, analysis.analysis_set)
        rows.append(place.row("mean", _unless(gap, pooled_mean(cohort, sample))))
    for endpoint, quantity in agreements(cohort):
        for region, pairs in regions_of(cohort, endpoint, quantity, analysis.analysis_set):
            place = primary_place(cohort, endpoint, quantity, region, analysis=analysis)
            e = as_percent(log_bias(cohort, pairs))
            rows.append(place.row("bias_percent", _unless(gap, e)))
    return rows + _accuracy_in(cohort, asked, analysis, Handling.of(cohort.plan), gap=gap)


def unstratified(
    cohort: Cohort, asked: Questions, analysis: SensitivityAnalysis
) -> list[ResultRow]:
    """Return means, biases and areas pooled without regard to site."""
    rows = []
    for place, sample, shown in averaged_samples(cohort, analysis):
        e = pooled_mean(cohort, sample, pooling="crude")
        rows.append(place.row(shown, as_percent(e) if shown == "bias_percent" else e))
    for question in among_sets(cohort, asked):
        for test, scored in registered(question):
            place = place_of_test(cohort, question, test, analysis)
            rows.append(place.row("auc", withheld_area(cohort, scored)))
    return rows


def over_random_sites(
    cohort: Cohort, asked: Questions, analysis: SensitivityAnalysis
) -> list[ResultRow]:
    """Return the random-effects estimates: what holds for a site like these."""
    rows = []
    for place, sample, shown in averaged_samples(cohort, analysis):
        parts = parts_of(cohort, sample, "site")
        percent = shown == "bias_percent"
        e = pooled_over_sites(
            cohort.plan, parts, unit=sample.unit, **({"transform": as_percent} if percent else {})
        )
        rows.append(place.row(shown, e))
    for question in among_sets(cohort, asked):
        for test, scored in registered(question):
            place = place_of_test(cohort, question, test, analysis)
            found = measure_parts(
                cohort, cohort.sites, test, scored, condition=question.condition.id
            )
            for name, parts in found.items():
                rows.append(
                    place.row(name, pooled_over_sites(cohort.plan, parts, transform=as_share))
                )
    return rows


def participants_first(
    cohort: Cohort, asked: Questions, analysis: SensitivityAnalysis
) -> list[ResultRow]:
    """Return the mean within each participant first, where one may have several units."""
    rows = []
    for endpoint, quantity in agreements(cohort):
        if endpoint.unit == "participant":
            continue
        for region, pairs in regions_of(cohort, endpoint, quantity):
            place = primary_place(cohort, endpoint, quantity, region, analysis=analysis)
            e = pooled_mean(cohort, by_participant(pairs.log_ratio))
            rows.append(place.row("bias_percent", as_percent(e)))
    for question in among_sets(cohort, asked):
        if question.unit.id == "participant":
            continue
        for test, scored in registered(question):
            place = place_of_test(cohort, question, test, analysis)
            right = _right(cohort, question, test, scored)
            for name, verdict in (("sensitivity", 1), ("specificity", 0)):
                among = scored.truth == verdict
                own = Sample(scored.pid[among], right[among], "")
                rows.append(place.row(name, pooled_mean(cohort, by_participant(own))))
    return rows


def by_participant(sample: Sample) -> Sample:
    """Return the mean of each participant's known observations."""
    keep = ~np.isnan(sample.value)
    people, codes = np.unique(sample.pid[keep], return_inverse=True)
    means = np.bincount(codes, weights=sample.value[keep]) / np.maximum(np.bincount(codes), 1)
    return Sample(people, means, sample.unit)


def _accuracy_in(
    cohort: Cohort,
    asked: Questions,
    analysis: SensitivityAnalysis,
    handling: Handling,
    *,
    gap: str = "",
) -> list[ResultRow]:
    inside, rows = cohort.inside(analysis.analysis_set), []
    for question in asked:
        for test, scored in registered(question if gap else question.among(inside)):
            place = replace(
                place_of_test(cohort, question, test, analysis), analysis_set=analysis.analysis_set
            )
            table = tabulated(cohort.plan, scored, cutoff_of(question, test), handling)
            area = withheld_area(cohort, scored, stratified=True)
            for name, e in (*((n, getattr(table, n)) for n in HEADLINES), ("auc", area)):
                rows.append(place.row(name, _unless(gap, e)))
    return rows


def _unless(gap: str, e: Estimate) -> Estimate:
    return not_estimable(gap, level=e.level, unit=e.unit) if gap else e


def _right(cohort: Cohort, question: Question, test: IndexTest, scored: Scored) -> np.ndarray:
    handling = Handling.of(cohort.plan)
    call = decided(calls(scored, cutoff_of(question, test), handling), scored, handling)
    return np.where(np.isnan(call) | np.isnan(scored.truth), np.nan, call == scored.truth)


def _at_worst(scored: Scored) -> Scored:
    """Return scores with a missing one below all others where positive, above where negative."""
    known = scored.score[~np.isnan(scored.score)]
    low, high = (known.min() - 1, known.max() + 1) if len(known) else (0.0, 1.0)
    worst = np.where(scored.truth == 1, low, high)
    return replace(scored, score=np.where(np.isnan(scored.score), worst, scored.score))


SIMPLE: dict[str, Callable[[Cohort, Questions, SensitivityAnalysis], list[ResultRow]]] = {
    "data_range": with_data_range,
    "indeterminate_positive": with_handling,
    "indeterminate_negative": with_handling,
    "worst_case": with_handling,
    "complete_case": in_complete_cases,
    "analysis_set": in_set,
    "crude": unstratified,
    "random_effects": over_random_sites,
    "participant_first": participants_first,
}
"""The analyses that need no model of what is missing, by kind."""
