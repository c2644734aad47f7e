"""The numbers of one index test in one group of units: cross-tabulation, proportions, areas."""

import numpy as np

from evaluation.analysis.cohort import Cohort
from evaluation.analysis.plan import Plan
from evaluation.analysis.plan_parts import IndexTest
from evaluation.analysis.questions import Handling, calls, decided
from evaluation.analysis.results import Place, ResultRow
from evaluation.analysis.units import Scored
from evaluation.diagnostic import AccuracyTable, accuracy_table, auc, roc
from evaluation.statistics import (
    Estimate,
    clustered_proportion,
    count_by_cluster,
    not_estimable,
    proportion_interval,
)

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
    rows: list[ResultRow] = []
    cutoff = test.cutoff.get(place.target_condition)
    if cutoff is not None:
        rows += _brief_table(cohort.plan, place, scored, cutoff)
    return [*rows, place.row("auc", withheld_area(cohort, scored, stratified=True))]


def _brief_table(plan: Plan, place: Place, scored: Scored, cutoff: float) -> list[ResultRow]:
    """Return the four cells and the two shares that a whole table would give."""
    handling = Handling.of(plan)
    call = decided(calls(scored, cutoff, handling), scored, handling)
    known = ~np.isnan(call) & ~np.isnan(scored.truth)
    clustered = scored.where(known).cluster is not None
    rows = []
    shares = []
    for name, verdict, right, wrong in (
        ("sensitivity", 1.0, "tp", "fn"), ("specificity", 0.0, "tn", "fp"),
    ):  # fmt: skip
        among = known & (scored.truth == verdict)
        hit = call[among] == verdict
        for cell, count in ((right, hit.sum()), (wrong, (~hit).sum())):
            rows.append(place.plain(cell, float(count), n=len(scored)))
        missing = int((~known).sum())
        if clustered:
            e = clustered_proportion(
                *count_by_cluster(hit, scored.pid[among]), level=plan.level, missing=missing
            )
        else:
            e = proportion_interval(
                int(hit.sum()), len(hit), method=plan.methods.proportion, level=plan.level,
                missing=missing,
            )  # fmt: skip
        shares.append(place.row(name, e))
    return rows + shares


def area_rows(cohort: Cohort, place: Place, scored: Scored, *, whole: bool) -> list[ResultRow]:
    """Return the area, site-stratified as the plan says, and where asked the others beside it."""
    plan = cohort.plan
    rows = [place.row("auc", withheld_area(cohort, scored, stratified=True))]
    if not whole:
        return rows
    rows.append(place.row("auc_crude", withheld_area(cohort, scored)))
    rows += _fixed_rows(cohort, place, scored)
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


def sensitivity_at(scored: Scored, specificity: float) -> float | None:
    """Return the height of the empirical curve at a specificity; None without both classes."""
    curve = roc(scored.truth, scored.score)
    if not (curve.positives and curve.negatives):
        return None
    points = curve.points
    return float(np.interp(1 - specificity, 1 - points.specificity, points.sensitivity))


FIXED_REASON = "descriptive: the threshold comes from these cases; the partial area has an interval"


def _fixed_rows(cohort: Cohort, place: Place, scored: Scored) -> list[ResultRow]:
    fixed = cohort.plan.methods.fixed_specificity
    if fixed is None:
        return []
    value = sensitivity_at(scored, fixed)
    n = int((~np.isnan(scored.truth) & ~np.isnan(scored.score)).sum())
    reason = FIXED_REASON if value is not None else "a class is absent: there is no curve"
    method = f"empirical curve at specificity {fixed:g}"
    return [place.plain("sensitivity_at_specificity", value, n=n, method=method, reason=reason)]


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
