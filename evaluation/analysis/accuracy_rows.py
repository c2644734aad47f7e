"""The numbers of one index test in one group of units: cross-tabulation, proportions, areas."""

import numpy as np

from evaluation.analysis.cohort import Cohort
from evaluation.analysis.plan import Plan
from evaluation.analysis.plan_parts import IndexTest
from evaluation.analysis.questions import Handling, calls
from evaluation.analysis.results import Place, ResultRow
from evaluation.analysis.units import Scored
from evaluation.diagnostic import AccuracyTable, accuracy_table, auc, roc
from evaluation.statistics import Estimate, not_estimable

PROPORTIONS = ("sensitivity", "specificity", "ppv", "npv", "accuracy")
UNREGISTERED = "the test is not registered in the plan: there is no locked cut-off"
_COUNTS = ("tp", "fp", "fn", "tn", "missing_reference", "missing_index", "indeterminate")


def tabulated(
    plan: Plan, scored: Scored, cutoff: float, handling: Handling, *, level: float | None = None
) -> AccuracyTable:
    """Return the cross-tabulation of a test at its cut-off."""
    return accuracy_table(
        scored.truth, calls(scored, cutoff, handling), cluster=scored.cluster,
        level=plan.level if level is None else level, method=plan.methods.proportion,
        indeterminate=handling.indeterminate,
    )  # fmt: skip


def table_rows(
    plan: Plan, place: Place, test: IndexTest, scored: Scored, *, handling: Handling
) -> list[ResultRow]:
    """Return cut-off, counts, proportions, likelihood ratios of a test in a group of units."""
    cutoff = test.cutoff.get(place.target_condition)
    if cutoff is None:
        none = not_estimable(UNREGISTERED, level=plan.level, n=len(scored))
        return [place.row(name, none) for name in PROPORTIONS]
    table = tabulated(plan, scored, cutoff, handling)
    rows = [place.plain("cutoff", cutoff, n=len(scored), method=_locked(test))]
    rows += [place.plain(name, float(getattr(table, name)), n=len(scored)) for name in _COUNTS]
    failed = int((scored.failed & ~np.isnan(scored.truth)).sum())
    rows.append(place.plain("failed_index", float(failed), n=len(scored)))
    return rows + [place.row(name, e) for name, e in table.estimates().items()]


def brief_rows(cohort: Cohort, place: Place, test: IndexTest, scored: Scored) -> list[ResultRow]:
    """Return the numbers that a demographic subgroup shows."""
    rows = []
    cutoff = test.cutoff.get(place.target_condition)
    if cutoff is not None:
        table = tabulated(cohort.plan, scored, cutoff, Handling.of(cohort.plan))
        rows += [
            place.plain(name, float(getattr(table, name)), n=len(scored))
            for name in ("tp", "fp", "fn", "tn")
        ]
        rows += [place.row(name, getattr(table, name)) for name in ("sensitivity", "specificity")]
    return [*rows, place.row("auc", withheld_area(cohort, scored, stratified=True))]


def area_rows(cohort: Cohort, place: Place, scored: Scored, *, whole: bool) -> list[ResultRow]:
    """Return the area, site-stratified as the plan says, and where asked the others beside it."""
    plan = cohort.plan
    rows = [place.row("auc", withheld_area(cohort, scored, stratified=True))]
    if not whole:
        return rows
    rows.append(place.row("auc_crude", withheld_area(cohort, scored)))
    low = plan.methods.partial_auc_specificity
    if low is not None:
        curve = roc(
            scored.truth, scored.score, cluster=scored.cluster, strata=strata_of(cohort, scored),
            level=plan.level, partial=("specificity", low, 1.0),
        )  # fmt: skip
        for name, e in (
            ("partial_auc", curve.partial_auc),
            ("partial_auc_standardised", curve.partial_auc_standardised),
        ):
            rows += [place.row(name, _enough(plan, scored, e))] if e is not None else []
    return rows


def withheld_area(
    cohort: Cohort, scored: Scored, *, stratified: bool = False, level: float | None = None
) -> Estimate:
    """Return the area under the curve, or the reason where the plan's minimum is not reached."""
    e = auc(
        scored.truth, scored.score, cluster=scored.cluster, level=level or cohort.plan.level,
        strata=strata_of(cohort, scored) if stratified else None,
    )  # fmt: skip
    return _enough(cohort.plan, scored, e)


def strata_of(cohort: Cohort, scored: Scored) -> np.ndarray | None:
    """Return the site of each observation where the plan pools by site."""
    if cohort.plan.methods.pooling == "crude":
        return None
    return np.asarray(cohort.sites.labels)[cohort.sites.code[scored.pid]]


def _enough(plan: Plan, scored: Scored, area: Estimate) -> Estimate:
    known = ~np.isnan(scored.truth) & ~np.isnan(scored.score)
    positives = int((scored.truth[known] == 1).sum())
    negatives = int((scored.truth[known] == 0).sum())
    few = positives < plan.minimum.positives or negatives < plan.minimum.negatives
    if not area.estimable or not few:
        return area
    return not_estimable(
        f"only {positives} positive and {negatives} negative cases, fewer than the plan asks for",
        level=area.level, n=area.n, clusters=area.clusters, missing=area.missing,
        method=area.method,
    )  # fmt: skip


def _locked(test: IndexTest) -> str:
    return f"locked in the plan on {test.locked_on}" if test.locked_on else "locked in the plan"
