"""What the sample size was planned for, beside what was reached."""

from collections.abc import Sequence
from dataclasses import replace

from evaluation.analysis.cohort import Cohort
from evaluation.analysis.plan_methods import PlannedPrecision
from evaluation.analysis.results import Place, ResultRow
from evaluation.statistics import (
    Estimate,
    auc_precision,
    correlation_precision,
    limits_precision,
    proportion_precision,
)

_SMALLEST_LIMITS = 3


def precision_rows(cohort: Cohort, rows: Sequence[ResultRow]) -> list[ResultRow]:
    """Return half-widths planned and reached, read from the rows of the main analysis."""
    wanted = cohort.plan.precision
    if wanted is None:
        return []
    chosen = cohort.plan.analysis_set[0].id
    place = Place("precision", "precision", chosen, cohort.plan.level, unit="participant")
    reached = int(cohort.inside(chosen).sum())
    found = [
        place.plain("planned_n", float(wanted.participants), n=wanted.participants, method="plan"),
        place.plain("achieved_n", float(reached), n=reached),
    ]
    main = [r for r in rows if r.analysis == "main" and r.subgroup == "all"]
    return found + _agreement(cohort, place, wanted, main) + _accuracy(cohort, place, wanted, main)


def _agreement(
    cohort: Cohort, place: Place, wanted: PlannedPrecision, main: Sequence[ResultRow]
) -> list[ResultRow]:
    level, n = cohort.plan.level, wanted.participants
    found = []
    for r in main:
        if (r.endpoint, r.quantity) != (wanted.agreement_endpoint, wanted.agreement_quantity):
            continue
        at = replace(place, quantity=r.quantity, unit=r.unit, region=r.region)
        if r.statistic == "ccc" and wanted.ccc is not None:
            planned = correlation_precision(wanted.ccc, n, level=level)
            found += _pair(replace(at, test="ccc"), planned, r)
        if r.statistic == "loa_upper_percent" and r.clusters >= _SMALLEST_LIMITS:
            limits = replace(at, test="limit_of_agreement_in_sd")
            for name, size in (("planned", n), ("achieved", r.clusters)):
                e = limits_precision(size, level=level)
                found.append(_half(limits, f"{name}_half_width", e, unit="SD"))
    return found


def _accuracy(
    cohort: Cohort, place: Place, wanted: PlannedPrecision, main: Sequence[ResultRow]
) -> list[ResultRow]:
    level = cohort.plan.level
    planned: dict[str, Estimate] = {}
    if wanted.sensitivity is not None and wanted.positives is not None:
        planned["sensitivity"] = proportion_precision(
            wanted.sensitivity, wanted.positives, level=level
        )
    if wanted.auc is not None and wanted.prevalence is not None:
        positives = round(wanted.participants * wanted.prevalence)
        negatives = wanted.participants - positives
        planned["auc"] = auc_precision(wanted.auc, positives, negatives, level=level)
    found = []
    for r in main:
        if r.family == "secondary" and r.statistic in planned and r.test and ":" not in r.test:
            at = replace(
                place, quantity=r.statistic, test=r.test, unit=r.unit,
                target_condition=r.target_condition,
            )  # fmt: skip
            found += _pair(at, planned[r.statistic], r)
    return found


def _pair(at: Place, planned: Estimate, row: ResultRow) -> list[ResultRow]:
    width = None if row.lower is None or row.upper is None else (row.upper - row.lower) / 2
    reason = "" if width is not None else row.reason or "no interval"
    return [
        _half(at, "planned_half_width", planned),
        at.plain("achieved_half_width", width, n=row.n, method=row.method, reason=reason),
    ]


def _half(at: Place, name: str, e: Estimate, unit: str = "") -> ResultRow:
    width = None if e.lower is None or e.upper is None else (e.upper - e.lower) / 2
    return at.plain(name, width, n=e.n, method=e.method, unit_of_value=unit)
