"""Risks from scores: calibration, net benefit and added value, always for a site not seen."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evaluation.analysis.cohort import Cohort
from evaluation.analysis.contrasts import matched_results
from evaluation.analysis.plan_methods import RiskModel
from evaluation.analysis.plan_parts import Contrast
from evaluation.analysis.questions import Question
from evaluation.analysis.results import Place, ResultRow
from evaluation.analysis.units import Scored
from evaluation.analysis.variants import registered
from evaluation.diagnostic import added_value, calibration, cross_validated_risk, net_benefit
from evaluation.statistics import Estimate, not_estimable

CALIBRATION_COLUMNS = ("target_condition", "unit", "test", "predicted", "observed", "lower", "upper",
                       "n")  # fmt: skip
BENEFIT_COLUMNS = ("target_condition", "unit", "test", "threshold", "net_benefit", "lower", "upper",
                   "treat_all")  # fmt: skip
Points = list[tuple[object, ...]]
_HOW = "logistic risk of the score, fitted on the other sites"


@dataclass(frozen=True, eq=False)
class _Risk:
    risk: NDArray[np.float64]
    reason: str = ""


def prediction_rows(
    cohort: Cohort, question: Question
) -> tuple[list[ResultRow], pd.DataFrame, pd.DataFrame]:
    """Return the rows of calibration, net benefit and added value, and the points of figures."""
    wanted = cohort.plan.risk
    rows: list[ResultRow] = []
    points: Points = []
    curve: Points = []
    for test, scored in registered(question) if wanted is not None else []:
        place = replace(question.place(cohort.plan, "prediction"), test=test.id)
        found = _risk(cohort, scored)
        if found.reason or wanted is None:
            none = not_estimable(found.reason, level=cohort.plan.level, n=len(scored))
            rows.append(replace(place, endpoint="calibration").row("slope", none))
            continue
        rows += _calibration(cohort, place, scored, found.risk, points=points)
        rows += _net_benefit(cohort, place, scored, found.risk, wanted=wanted, curve=curve)
    for pair in cohort.plan.comparison if wanted is not None else ():
        if wanted is not None and wanted.reclassification_cutoffs:
            rows += _added_value(cohort, question, pair, wanted)
    return (
        rows, pd.DataFrame(points, columns=list(CALIBRATION_COLUMNS)),
        pd.DataFrame(curve, columns=list(BENEFIT_COLUMNS)),
    )  # fmt: skip


def _risk(cohort: Cohort, scored: Scored) -> _Risk:
    site = np.asarray(cohort.sites.labels)[cohort.sites.code[scored.pid]]
    if len(np.unique(site)) < 2:
        return _Risk(np.full(len(scored), np.nan), "fewer than two sites: none can be left out")
    found = cross_validated_risk(scored.truth, scored.score, site)
    if np.isnan(found.risk).all():
        why = next(iter(found.reasons.values()), "no score")
        return _Risk(found.risk, f"no risk can be fitted: {why}")
    return _Risk(found.risk)


def _calibration(
    cohort: Cohort,
    place: Place,
    scored: Scored,
    risk: NDArray[np.float64],
    *,
    points: Points,
) -> list[ResultRow]:
    found = calibration(scored.truth, risk, cluster=scored.cluster, level=cohort.plan.level)
    for point in found.points:
        e = point.observed
        points.append(
            (place.target_condition, place.unit, place.test, point.risk, e.value, e.lower,
             e.upper, e.n)
        )  # fmt: skip
    at = replace(place, endpoint="calibration")
    return [at.row(name, _named(e)) for name, e in found.estimates().items()]


def _net_benefit(
    cohort: Cohort,
    place: Place,
    scored: Scored,
    risk: NDArray[np.float64],
    *,
    wanted: RiskModel,
    curve: Points,
) -> list[ResultRow]:
    rows = []
    for found in net_benefit(
        scored.truth, risk, thresholds=wanted.net_benefit_thresholds, cluster=scored.cluster,
        level=cohort.plan.level,
    ):  # fmt: skip
        at = replace(place, endpoint="net_benefit", quantity=f"threshold:{found.threshold:g}")
        for name, e in (
            ("net_benefit", found.model), ("treat_all", found.treat_all),
            ("over_all", found.over_all),
        ):  # fmt: skip
            rows.append(at.row(name, _named(e)))
        if found.model.value is not None:
            curve.append(
                (place.target_condition, place.unit, place.test, found.threshold,
                 found.model.value, found.model.lower, found.model.upper, found.treat_all.value)
            )  # fmt: skip
    return rows


def _added_value(
    cohort: Cohort, question: Question, pair: Contrast, wanted: RiskModel
) -> list[ResultRow]:
    matched = matched_results(question, pair)
    if not len(matched.first):
        return []
    place = replace(
        question.place(cohort.plan, "prediction", "added_value"),
        test=f"{pair.test} - {pair.against}",
    )
    new, old = (_risk(cohort, own) for own in (matched.first, matched.second))
    if new.reason or old.reason:
        none = not_estimable(new.reason or old.reason, level=cohort.plan.level)
        return [place.row("idi", none)]
    found = added_value(
        matched.first.truth, old.risk, new.risk, cutoffs=wanted.reclassification_cutoffs,
        cluster=matched.first.cluster, seed=place.seed(cohort.plan.seed),
        replicates=cohort.plan.bootstrap_replicates, level=cohort.plan.level,
    )  # fmt: skip
    rows = []
    for name, e in found.estimates().items():
        rows.append(place.row(name, _named(e)))
        if e.p_value is not None:
            rows.append(place.plain(f"{name}_p", e.p_value, n=e.n, method=e.method))
    for name, count in vars(found.reclassified).items():
        rows.append(place.plain(name, float(count), n=found.idi.n))
    return rows + [
        place.row(f"net_benefit_gain:{gain.threshold:g}", _named(gain.difference))
        for gain in found.net_benefit
    ]


def _named(e: Estimate) -> Estimate:
    return replace(e, method=f"{e.method}; {_HOW}")
