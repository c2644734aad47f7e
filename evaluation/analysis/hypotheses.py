"""The confirmatory hypotheses of the plan, tested in their order."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evaluation.analysis.accuracy_rows import tabulated, withheld_area
from evaluation.analysis.cohort import Cohort
from evaluation.analysis.consistency import limits_on_ratio, log_bias, regions_of
from evaluation.analysis.contrasts import differences, matched_results
from evaluation.analysis.heterogeneity import as_percent
from evaluation.analysis.missing_reference import imputed_pooling, imputer_of
from evaluation.analysis.plan_methods import Hypothesis
from evaluation.analysis.plan_parts import Contrast, PrimaryEndpoint
from evaluation.analysis.questions import Handling, Question
from evaluation.analysis.results import Place, ResultRow
from evaluation.analysis.similarity import pair_sample, pooled_mean
from evaluation.analysis.variants import Questions
from evaluation.statistics import Comparison, Estimate, hierarchical, not_estimable

_SMALLEST = 1e-12
_HALVINGS = 30


@dataclass(frozen=True)
class Evidence:
    """The estimates behind a hypothesis at any level; ``p_value`` where the test is not theirs."""

    at: Callable[[float], tuple[Estimate, ...]]
    p_value: float | None = None
    method: str = "inversion of the interval"


def multiplicity_rows(cohort: Cohort, asked: Questions) -> list[ResultRow]:
    """Return null value, estimate, raw and adjusted p-value and verdict of each hypothesis."""
    wanted = cohort.plan.multiplicity
    if wanted is None:
        return []
    ordered = sorted(wanted.hypothesis, key=lambda h: h.order)
    evidence = {h.id: evidence_of(cohort, asked, h) for h in ordered}
    raw = {h.id: p_of(h, evidence[h.id], cohort.plan.level) for h in ordered}
    steps = [[h for h in ordered if h.order == k] for k in sorted({h.order for h in ordered})]
    tested = hierarchical([[raw[h.id] for h in step] for step in steps], alpha=wanted.alpha)
    rows: list[ResultRow] = []
    for step, verdicts in zip(steps, tested, strict=True):
        for h, verdict in zip(step, verdicts, strict=True):
            place = _place(cohort, h)
            found = evidence[h.id].at(cohort.plan.level)
            n, method = found[0].n, f"{evidence[h.id].method}; {found[0].method}"
            rows += _claim_rows(place, h, found)
            lost = found[0].reason or "the estimate has no interval"
            p, why = raw[h.id], "" if raw[h.id] is not None else lost
            rows.append(place.plain("raw_p", p, n=n, method=method, reason=why))
            unreached = (
                "" if verdict.adjusted is not None else why or "an earlier test has no p-value"
            )
            rows.append(
                place.plain(
                    "adjusted_p", verdict.adjusted, n=n, reason=unreached,
                    method=f"fixed sequence, Holm inside a step, alpha {wanted.alpha:g}",
                )
            )  # fmt: skip
            rows.append(place.plain("rejected", float(verdict.rejected), n=n, method="verdict"))
            rows.append(place.plain("order", float(h.order), n=n, method="plan"))
    return rows


def evidence_of(cohort: Cohort, asked: Questions, h: Hypothesis) -> Evidence:
    """Return how a hypothesis is estimated."""
    endpoint = next((e for e in cohort.plan.primary if e.id == h.endpoint), None)
    if endpoint is not None and endpoint.kind == "similarity":
        return _similarity(cohort, endpoint, h)
    if endpoint is not None:
        return _agreement(cohort, endpoint, h)
    found = [q for q in asked if (q.condition.id, q.unit.id) == (h.endpoint, h.unit)]
    if not found:
        return _nothing("the plan does not judge this target condition in this unit")
    return _accuracy(cohort, found[0], h)


def _similarity(cohort: Cohort, endpoint: PrimaryEndpoint, h: Hypothesis) -> Evidence:
    sample = pair_sample(cohort, h.quantity, endpoint.region, endpoint.analysis_set)
    return Evidence(lambda level: (pooled_mean(cohort, sample, level=level),))


def _agreement(cohort: Cohort, endpoint: PrimaryEndpoint, h: Hypothesis) -> Evidence:
    regions = dict(regions_of(cohort, endpoint, h.quantity))
    pairs = regions.get(h.region) or regions.get(f"{h.region}:")
    if pairs is None:
        return _nothing(f"no region {h.region!r} was measured")

    def limits(level: float) -> tuple[Estimate, ...]:
        found = limits_on_ratio(cohort, pairs, level)
        return as_percent(found.lower_limit), as_percent(found.upper_limit)

    if h.statistic == "loa_percent":
        return Evidence(limits)
    return Evidence(lambda level: (as_percent(log_bias(cohort, pairs, level=level)),))


def p_of(h: Hypothesis, evidence: Evidence, level: float) -> float | None:
    """Return the two-sided p-value; 1 where the estimate lies on the wrong side of the null."""
    found = evidence.at(level)
    if any(e.value is None or e.lower is None or e.upper is None for e in found):
        return evidence.p_value
    values = [e.value or 0.0 for e in found]
    if h.direction == "within":
        if not all(h.null_lower < v < h.null_upper for v in values):
            return 1.0
        bounds = [h.null_lower, h.null_upper]
        sides = [
            _inverted(lambda t, i=i, b=b: _outside(evidence.at(1 - t)[i], b))  # type: ignore[misc]
            for i in range(len(found)) for b in bounds
        ]  # fmt: skip
        return max(sides)
    wrong = {"greater": values[0] <= h.null, "less": values[0] >= h.null, "two_sided": False}
    if wrong[h.direction]:
        return 1.0
    if evidence.p_value is not None and h.null == 0:
        return evidence.p_value
    return _inverted(lambda t: _outside(evidence.at(1 - t)[0], h.null))


def _outside(e: Estimate, null: float) -> bool:
    return e.lower is not None and e.upper is not None and not e.lower <= null <= e.upper


def _inverted(excludes: Callable[[float], bool]) -> float:
    """Return the smallest tail at which the interval of that level excludes the null value."""
    if excludes(_SMALLEST):
        return _SMALLEST
    low, high = math.log(_SMALLEST), 0.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if excludes(math.exp(middle)):
            high = middle
        else:
            low = middle
    return math.exp(high)


def _accuracy(cohort: Cohort, question: Question, h: Hypothesis) -> Evidence:
    plan = cohort.plan
    if " - " in h.test:
        pair = next((c for c in plan.comparison if f"{c.test} - {c.against}" == h.test), None)
        return _difference(cohort, question, h, pair)
    test = next((t for t in question.answered if t.id == h.test), None)
    if test is None:
        return _nothing("no result of this test is recorded")
    if h.analysis != "main":
        analysis = next(s for s in plan.sensitivity if s.id == h.analysis)
        model = imputer_of(cohort, question, analysis)
        pooling = imputed_pooling(cohort, question, test, model=model, name=h.statistic)
        return Evidence(lambda level: (pooling.estimate(level),))
    scored = question.scored[test.id]
    if h.statistic == "auc":
        return Evidence(
            lambda level: (withheld_area(cohort, scored, stratified=True, level=level),)
        )
    cutoff, handling = test.cutoff[question.condition.id], Handling.of(plan)
    return Evidence(
        lambda level: (
            getattr(tabulated(plan, scored, cutoff, handling, level=level), h.statistic),
        )
    )


def _difference(
    cohort: Cohort, question: Question, h: Hypothesis, pair: Contrast | None
) -> Evidence:
    if pair is None:
        return _nothing("the plan has no such comparison")
    matched = matched_results(question, pair)
    if not len(matched.first):
        return _nothing("the two tests have no unit in common")
    name = h.statistic.removesuffix("_difference")

    def at(level: float) -> Comparison:
        return differences(cohort, question, pair, matched, level=level)[name]

    return Evidence(lambda level: (at(level),), at(cohort.plan.level).p_value, "its own test")


def _nothing(reason: str) -> Evidence:
    return Evidence(lambda level: (not_estimable(reason, level=level),))


def _claim_rows(place: Place, h: Hypothesis, found: Sequence[Estimate]) -> list[ResultRow]:
    n = found[0].n
    if h.direction != "within":
        null = place.plain("null", h.null, n=n, method=f"plan, {h.direction}")
        return [null, place.row("estimate", found[0])]
    rows = [
        place.plain(name, value, n=n, method="plan, within")
        for name, value in (("null_lower", h.null_lower), ("null_upper", h.null_upper))
    ]
    names = ("estimate",) if len(found) == 1 else ("estimate_lower", "estimate_upper")
    return rows + [place.row(name, e) for name, e in zip(names, found, strict=False)]


def _place(cohort: Cohort, h: Hypothesis) -> Place:
    return Place(
        "multiplicity", "multiplicity", "", cohort.plan.level, quantity=h.quantity, test=h.id,
        unit=h.unit, region=h.region,
    )  # fmt: skip
