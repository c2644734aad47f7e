"""What the methods of a plan must fulfil: hypotheses, sensitivity analyses, trends, risks."""

from itertools import pairwise

from evaluation.analysis.plan import Plan
from evaluation.analysis.plan_checks import kind_of, refuse_repeats, require_known, require_set
from evaluation.analysis.plan_methods import Hypothesis, SensitivityAnalysis
from evaluation.analysis.plan_words import DIRECTIONS, SENSITIVITY_KINDS, TESTABLE
from evaluation.analysis.strict import PlanError

SMALLEST_M = 50
"""Fewer imputations leave the interval to chance (White et al., Stat Med 2011;30:377)."""


def check_methods(plan: Plan) -> None:
    """Refuse a plan whose hypotheses, sensitivity analyses or extra parts cannot be carried out."""
    for check in (
        _check_multiplicity, _check_sensitivity, _check_controls, _check_trend, _check_risk,
        _check_concordance,
    ):  # fmt: skip
        check(plan)


def _check_multiplicity(plan: Plan) -> None:
    if plan.multiplicity is None:
        return
    if not 0 < plan.multiplicity.alpha < 0.5:
        raise PlanError("plan.multiplicity: alpha must lie between 0 and 0.5")
    refuse_repeats("hypothesis", [h.id for h in plan.multiplicity.hypothesis])
    for hypothesis in plan.multiplicity.hypothesis:
        _check_hypothesis(plan, hypothesis)


def _check_hypothesis(plan: Plan, hypothesis: Hypothesis) -> None:
    where = f"hypothesis {hypothesis.id!r}"
    endpoints = [*(p.id for p in plan.primary), *(c.id for c in plan.target_condition)]
    require_known(hypothesis.endpoint, endpoints, where, "endpoint")
    require_known(hypothesis.direction, DIRECTIONS, where, "direction")
    imputed = [s.id for s in plan.sensitivity if s.kind == "multiple_imputation"]
    require_known(hypothesis.analysis, ["main", *imputed], where, "analysis")
    kinds = {p.id: p.kind for p in plan.primary}
    testable = TESTABLE[kinds.get(hypothesis.endpoint, "accuracy")]
    if hypothesis.statistic not in testable:
        known = ", ".join(testable)
        raise PlanError(f"{where}: {hypothesis.statistic!r} cannot be tested, only {known}")
    if hypothesis.direction == "within" and not hypothesis.null_lower < hypothesis.null_upper:
        raise PlanError(f"{where}: 'within' needs null_lower below null_upper")


def _check_sensitivity(plan: Plan) -> None:
    refuse_repeats("sensitivity", [s.id for s in plan.sensitivity])
    for analysis in plan.sensitivity:
        where = f"sensitivity {analysis.id!r}"
        if analysis.id == "main":
            raise PlanError(f"{where}: the name belongs to the main analysis")
        require_known(analysis.kind, SENSITIVITY_KINDS, where, "kind")
        _check_one(plan, analysis, where)


def _check_one(plan: Plan, analysis: SensitivityAnalysis, where: str) -> None:
    if analysis.kind in {"analysis_set", "complete_case"}:
        require_set(plan, analysis.analysis_set, where)
    if analysis.kind in {"multiple_imputation", "tipping_point"}:
        if analysis.imputations < SMALLEST_M:
            raise PlanError(f"{where}: at least {SMALLEST_M} imputations are needed")
        for column in analysis.predictors:
            kind_of(plan, column, where)
    if analysis.kind == "tipping_point":
        _check_tipping_point(analysis, where)
    if analysis.kind == "data_range" and plan.image.sensitivity_data_range_suv is None:
        raise PlanError(f"{where}: plan.image has no sensitivity_data_range_suv")


def _check_tipping_point(analysis: SensitivityAnalysis, where: str) -> None:
    if not analysis.deltas or any(a >= b for a, b in pairwise(analysis.deltas)):
        raise PlanError(f"{where}: deltas must be given and rise")
    if analysis.bound is None or analysis.statistic not in {"sensitivity", "specificity"}:
        raise PlanError(f"{where}: a bound and 'sensitivity' or 'specificity' are needed")


def _check_controls(plan: Plan) -> None:
    if plan.negative_controls is not None:
        require_set(plan, plan.negative_controls.analysis_set, "negative_controls")


def _check_trend(plan: Plan) -> None:
    if plan.uptake_trend is None:
        return
    require_set(plan, plan.uptake_trend.analysis_set, "uptake_trend")
    if len(plan.uptake_trend.edges) < 2 or any(
        a >= b for a, b in pairwise(plan.uptake_trend.edges)
    ):
        raise PlanError("uptake_trend: at least two rising edges are needed")


def _check_risk(plan: Plan) -> None:
    if plan.risk is None:
        return
    shares = (*plan.risk.net_benefit_thresholds, *plan.risk.reclassification_cutoffs)
    if not all(0 < share < 1 for share in shares):
        raise PlanError("risk: thresholds and cut-offs must lie strictly between 0 and 1")


def _check_concordance(plan: Plan) -> None:
    wanted = plan.demographic_concordance
    if wanted is None:
        return
    require_set(plan, wanted.analysis_set, "demographic_concordance")
    for name in wanted.subgroups:
        require_known(name, (s.id for s in plan.subgroup), "demographic_concordance", "subgroup")
    if not wanted.margin_percent > 0:
        raise PlanError("demographic_concordance: the margin must be greater than 0")
