"""What sensitivity analyses share: which numbers they repeat, and where the rows belong."""

from collections.abc import Sequence
from dataclasses import replace

from evaluation.analysis.cohort import Cohort
from evaluation.analysis.consistency import regions_of
from evaluation.analysis.plan_methods import SensitivityAnalysis
from evaluation.analysis.plan_parts import IndexTest, PrimaryEndpoint
from evaluation.analysis.questions import Question
from evaluation.analysis.results import Place
from evaluation.analysis.similarity import Sample, endpoint_place, pair_sample
from evaluation.analysis.units import Scored

HEADLINES = ("sensitivity", "specificity", "ppv", "npv")
Questions = Sequence[Question]


def registered(question: Question) -> list[tuple[IndexTest, Scored]]:
    """Return the tests with results and a locked cut-off."""
    return [
        (test, question.scored[test.id])
        for test in question.answered
        if question.condition.id in test.cutoff
    ]


def averaged_samples(
    cohort: Cohort, analysis: SensitivityAnalysis
) -> list[tuple[Place, Sample, str]]:
    """Return what the primary endpoints average, with the statistic that shows it."""
    found = []
    for endpoint, quantity in similarities(cohort):
        place = primary_place(cohort, endpoint, quantity, endpoint.region, analysis=analysis)
        sample = pair_sample(cohort, quantity, endpoint.region, endpoint.analysis_set)
        found.append((place, sample, "mean"))
    for endpoint, quantity in agreements(cohort):
        for region, pairs in regions_of(cohort, endpoint, quantity):
            place = primary_place(cohort, endpoint, quantity, region, analysis=analysis)
            found.append((place, pairs.log_ratio, "bias_percent"))
    return found


def similarities(cohort: Cohort) -> list[tuple[PrimaryEndpoint, str]]:
    """Return the similarity endpoints of the plan, each with one of its quantities."""
    return [(e, q) for e in cohort.plan.primary if e.kind == "similarity" for q in e.quantities]


def agreements(cohort: Cohort) -> list[tuple[PrimaryEndpoint, str]]:
    """Return the agreement endpoints of the plan, each with one of its quantities."""
    return [(e, q) for e in cohort.plan.primary if e.kind == "agreement" for q in e.quantities]


def among_sets(cohort: Cohort, asked: Questions) -> list[Question]:
    """Return each question among the analysis set of its target condition."""
    return [_among_set(cohort, question) for question in asked]


def _among_set(cohort: Cohort, question: Question) -> Question:
    chosen = question.condition.analysis_set
    key = ("among", question.condition.id, question.unit.id, chosen)
    return cohort.once(key, lambda: question.among(cohort.inside(chosen)))


def primary_place(
    cohort: Cohort,
    endpoint: PrimaryEndpoint,
    quantity: str,
    region: str,
    *,
    analysis: SensitivityAnalysis,
) -> Place:
    """Return where a sensitivity row of a primary endpoint belongs."""
    place = endpoint_place(cohort.plan, endpoint, quantity, region.rstrip(":"))
    other = analysis.analysis_set or place.analysis_set
    return replace(place, analysis=analysis.id, analysis_set=other)


def place_of_test(
    cohort: Cohort, question: Question, test: IndexTest, analysis: SensitivityAnalysis
) -> Place:
    """Return where a sensitivity row of an index test belongs."""
    place = question.place(cohort.plan)
    return replace(place, test=test.id, analysis=analysis.id)


def cutoff_of(question: Question, test: IndexTest) -> float:
    """Return the locked cut-off of a registered test."""
    return test.cutoff[question.condition.id]
