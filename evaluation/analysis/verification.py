"""Who was verified: share and tier of the reference standard, and Begg and Greenes' correction."""

from dataclasses import replace

import numpy as np

from evaluation.analysis.cohort import Cohort
from evaluation.analysis.plan_methods import SensitivityAnalysis
from evaluation.analysis.questions import Handling, Question, calls, decided
from evaluation.analysis.results import ResultRow
from evaluation.analysis.variants import (
    HEADLINES,
    Questions,
    among_sets,
    cutoff_of,
    place_of_test,
    registered,
)
from evaluation.diagnostic import begg_greenes
from evaluation.statistics import clustered_proportion, count_by_cluster

_LONGEST = 50


def corrected_rows(
    cohort: Cohort, asked: Questions, analysis: SensitivityAnalysis
) -> list[ResultRow]:
    """Return accuracy corrected for partial verification."""
    rows = []
    handling = Handling.of(cohort.plan)
    for question in among_sets(cohort, asked):
        for test, scored in registered(question):
            call = decided(calls(scored, cutoff_of(question, test), handling), scored, handling)
            found = begg_greenes(
                scored.truth, call, cluster=scored.cluster, level=cohort.plan.level
            )
            place = place_of_test(cohort, question, test, analysis)
            rows += [place.row(name, getattr(found, name)) for name in HEADLINES]
            share = replace(place, endpoint="verification", family="verification", analysis="main")
            for name in ("verified_positive", "verified_negative"):
                rows.append(share.row(name, getattr(found, name)))
    return rows


def verification_rows(cohort: Cohort, question: Question) -> list[ResultRow]:
    """Return the share of units with a verdict, and what the reference standard rested on."""
    plan, units = cohort.plan, question.units
    place = question.place(plan, "verification", "verification")
    known = ~np.isnan(units.truth)
    share = clustered_proportion(*count_by_cluster(known, units.pid), level=plan.level)
    rows = [place.row("verified_share", share)]
    r = cohort.tables.reference_standard
    own = (r["target_condition"] == question.condition.id) & (r["unit"] == question.unit.id)
    inside = cohort.inside(question.condition.analysis_set)
    keep = own.to_numpy() & inside[r["pid"].to_numpy()]
    keep &= r["status"].isin(["positive", "negative", "indeterminate"]).to_numpy()
    sources = np.asarray(r["source"], dtype=object)[keep]
    for source in sorted(set(sources)):
        name = f"source:{source or 'not recorded'}"[:_LONGEST]
        rows.append(place.plain(name, float((sources == source).sum()), n=len(sources)))
    return rows
