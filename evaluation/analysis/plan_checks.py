"""What a plan must fulfil beyond having the right keys; each refusal names the place."""

import math
import re
from collections.abc import Iterable, Mapping
from itertools import pairwise

from evaluation.analysis.plan import Plan
from evaluation.analysis.plan_parts import AnalysisSet, IndexTest, Subgroup
from evaluation.analysis.plan_words import (
    BASELINE_KINDS,
    COLUMN_KINDS,
    FIXED_CATEGORIES,
    FIXED_COLUMNS,
    FIXED_FLAGS,
    FIXED_NUMBERS,
    METHOD_WORDS,
    POINT_KINDS,
    QUALITY_FAMILIES,
    SCHEMA,
    STRATEGIES,
    TEST_KINDS,
)
from evaluation.analysis.strict import PlanError

_DIGEST = re.compile(r"^[0-9a-f]{64}$")


def refuse_other_schema(table: Mapping[str, object]) -> None:
    """Refuse a plan of another schema before its keys are looked at."""
    schema = table.get("schema")
    if schema == 1:
        raise PlanError(
            "plan: schema 1 says nothing about estimands, methods and multiplicity and is no longer "
            "run; take these parts from the packaged plan, decide on them, and write schema = 2"
        )
    if isinstance(schema, int) and schema != SCHEMA:
        raise PlanError(f"plan: schema {schema} is not known, only {SCHEMA}")


def check_plan(plan: Plan) -> None:
    """Refuse a plan with an impossible number, an unknown word or a name that leads nowhere."""
    for check in (
        _check_numbers, _check_methods, _check_columns, _check_sets, _check_primary,
        _check_conditions, _check_tests, _check_estimands, _check_subgroups, _check_baseline,
        _check_points,
    ):  # fmt: skip
        check(plan)


def require_known(name: str, known: Iterable[str], where: str, what: str) -> None:
    """Refuse a name that is not among the known ones."""
    if name not in set(known):
        raise PlanError(f"{where} names unknown {what} {name!r}")


def refuse_repeats(what: str, ids: list[str]) -> None:
    """Refuse ids that are not unique."""
    for name in ids:
        if ids.count(name) > 1:
            raise PlanError(f"{what} {name!r} appears twice")


def _check_numbers(plan: Plan) -> None:
    if not 0.5 < plan.level < 1:
        raise PlanError(f"plan: level must lie between 0.5 and 1, not {plan.level}")
    if plan.bootstrap_replicates < 100:
        raise PlanError("plan: bootstrap_replicates must be at least 100")
    if not plan.data_range_suv > 0:
        raise PlanError("plan.image: data_range_suv must be greater than 0")


def _check_methods(plan: Plan) -> None:
    for name, words in METHOD_WORDS.items():
        word = getattr(plan.methods, name)
        if word not in words:
            known = ", ".join(sorted(words))
            raise PlanError(f"plan.methods: {name} {word!r} is not known, only {known}")
    for name in ("partial_auc_specificity", "fixed_specificity"):
        share = getattr(plan.methods, name)
        if share is not None and not 0 < share < 1:
            raise PlanError(f"plan.methods: {name} must lie strictly between 0 and 1, not {share}")


def _check_columns(plan: Plan) -> None:
    refuse_repeats("participant_column", [c.name for c in plan.participant_column])
    for column in plan.participant_column:
        if column.name in FIXED_COLUMNS:
            raise PlanError(f"participant_column {column.name!r} is a fixed column already")
        if column.kind not in COLUMN_KINDS:
            raise PlanError(
                f"participant_column {column.name!r}: kind {column.kind!r} is not known"
            )


def kind_of(plan: Plan, column: str, where: str) -> str:
    """Return ``number``, ``category`` or ``flag`` of a participants column."""
    for kind, names in (
        ("number", FIXED_NUMBERS), ("category", FIXED_CATEGORIES), ("flag", FIXED_FLAGS),
    ):  # fmt: skip
        if column in names:
            return kind
    declared = plan.column_named(column)
    if declared is None:
        raise PlanError(f"{where}: no participant_column {column!r} is declared")
    return declared.kind


def _check_sets(plan: Plan) -> None:
    for analysis_set in plan.analysis_set:
        _check_set(plan, analysis_set)
    refuse_repeats("analysis_set", [s.id for s in plan.analysis_set])


def _check_set(plan: Plan, analysis_set: AnalysisSet) -> None:
    where = f"analysis set {analysis_set.id!r}"
    flags = {*FIXED_FLAGS, *(c.name for c in plan.participant_column if c.kind == "flag")}
    for column in (*analysis_set.requires, *analysis_set.excludes):
        if column not in flags:
            raise PlanError(f"{where} requires unknown {column!r}")
    if analysis_set.unknown not in {"kept", "left_out"}:
        raise PlanError(f"{where}: unknown must be 'kept' or 'left_out'")
    for limit in analysis_set.limit:
        if kind_of(plan, limit.column, where) != "number":
            raise PlanError(f"{where}: a limit needs a number, {limit.column!r} is none")
        if limit.at_least is None and limit.at_most is None:
            raise PlanError(f"{where}: the limit of {limit.column!r} has no bound")


def _check_primary(plan: Plan) -> None:
    refuse_repeats("primary", [p.id for p in plan.primary])
    for endpoint in plan.primary:
        if endpoint.kind not in {"similarity", "agreement"}:
            raise PlanError(f"primary {endpoint.id!r}: kind {endpoint.kind!r} is not known")
        require_set(plan, endpoint.analysis_set, f"primary {endpoint.id!r}")


def _check_conditions(plan: Plan) -> None:
    refuse_repeats("target_condition", [c.id for c in plan.target_condition])
    for condition in plan.target_condition:
        where = f"target condition {condition.id!r}"
        require_set(plan, condition.analysis_set, where)
        for unit in condition.unit:
            if unit.id not in {"lesion", "station", "participant"}:
                raise PlanError(f"{where}: unit {unit.id!r} is not known")
            if unit.unmarked not in {"missing", "zero"}:
                raise PlanError(f"{where}: unmarked must be 'missing' or 'zero'")
            if not unit.region and not unit.not_estimable:
                raise PlanError(f"{where}: unit {unit.id!r} names no region")


def _check_tests(plan: Plan) -> None:
    refuse_repeats("index_test", [t.id for t in plan.index_test])
    conditions = {c.id for c in plan.target_condition}
    for test in plan.index_test:
        where = f"index test {test.id!r}"
        if test.kind not in TEST_KINDS:
            raise PlanError(f"{where}: kind {test.kind!r} is not known")
        _check_digest(test, where)
        if test.kind == "quantity" and not (test.quantity and test.image):
            raise PlanError(f"{where}: a quantity test names its image and quantity")
        _check_cutoffs(test, conditions, where)
    known = {t.id for t in plan.index_test}
    for pair in plan.comparison:
        for name in (pair.test, pair.against):
            require_known(name, known, "comparison", "index test")
        margin = pair.non_inferiority_margin
        if margin is not None and not 0 < margin < 1:
            raise PlanError(f"comparison of {pair.test!r}: the margin must lie between 0 and 1")


def _check_digest(test: IndexTest, where: str) -> None:
    if test.kind == "classifier" and not test.sha256:
        raise PlanError(f"{where}: a classifier is named by its sha256")
    if test.sha256 and not _DIGEST.match(test.sha256):
        raise PlanError(f"{where}: sha256 is no SHA-256 digest")


def _check_points(plan: Plan) -> None:
    refuse_repeats("analysis_point", [p.id for p in plan.analysis_point])
    for point in plan.analysis_point:
        where = f"analysis point {point.id!r}"
        require_known(point.kind, POINT_KINDS, where, "kind")
        if (point.kind == "final") == bool(point.shows):
            raise PlanError(f"{where}: a final point shows everything, a quality look names what")
        for family in point.shows:
            require_known(family, QUALITY_FAMILIES, where, "family")


def _check_cutoffs(test: IndexTest, conditions: set[str], where: str) -> None:
    # A classifier was trained for one target condition and has no score for another.
    judged = set(test.cutoff) if test.kind == "classifier" and test.cutoff else conditions
    for name in sorted(judged - set(test.cutoff)):
        raise PlanError(f"{where} has no locked cut-off for {name!r}")
    for name in sorted(set(test.cutoff) - conditions):
        raise PlanError(f"{where}: cut-off for unknown target condition {name!r}")
    if not all(math.isfinite(value) for value in test.cutoff.values()):
        raise PlanError(f"{where}: a cut-off is not a finite number")


def _check_estimands(plan: Plan) -> None:
    refuse_repeats("estimand", [e.id for e in plan.estimand])
    endpoints = [*(p.id for p in plan.primary), *(c.id for c in plan.target_condition)]
    for estimand in plan.estimand:
        for name in estimand.endpoints:
            require_known(name, endpoints, f"estimand {estimand.id!r}", "endpoint")
        for event in estimand.intercurrent_event:
            require_known(event.strategy, STRATEGIES, f"estimand {estimand.id!r}", "strategy")
    covered = {name for e in plan.estimand for name in e.endpoints}
    for name in endpoints:
        if name not in covered:
            raise PlanError(f"endpoint {name!r} has no estimand")


def _check_subgroups(plan: Plan) -> None:
    refuse_repeats("subgroup", [s.id for s in plan.subgroup])
    taken = {"all", "site", *(c.id for c in plan.target_condition)}
    for subgroup in plan.subgroup:
        where = f"subgroup {subgroup.id!r}"
        if subgroup.id in taken or ":" in subgroup.id:
            raise PlanError(f"{where}: the name is taken or has a colon")
        _check_levels(subgroup, kind_of(plan, subgroup.column, where), where)


def _check_levels(subgroup: Subgroup, kind: str, where: str) -> None:
    if bool(subgroup.level) == bool(subgroup.cut):
        raise PlanError(f"{where}: give either levels or cuts")
    if bool(subgroup.cut) != (kind == "number"):
        raise PlanError(f"{where}: a number is cut, a category has levels")
    if any(a >= b for a, b in pairwise(subgroup.cut)):
        raise PlanError(f"{where}: cuts must rise")
    if subgroup.level and len(subgroup.level) < 2:
        raise PlanError(f"{where}: at least two levels are needed")
    refuse_repeats(f"{where}: level", list(subgroup.level))


def _check_baseline(plan: Plan) -> None:
    refuse_repeats("baseline", [b.column for b in plan.baseline])
    for variable in plan.baseline:
        where = f"baseline {variable.column!r}"
        if variable.kind not in BASELINE_KINDS:
            raise PlanError(f"{where}: kind {variable.kind!r} is not known")
        if (kind_of(plan, variable.column, where) == "number") != (variable.kind == "number"):
            raise PlanError(f"{where}: kind {variable.kind!r} does not fit the column")


def require_set(plan: Plan, name: str, where: str) -> None:
    """Refuse a name that is no analysis set of the plan."""
    require_known(name, (s.id for s in plan.analysis_set), where, "analysis set")
