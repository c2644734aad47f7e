"""Negative controls beside the synthetic PET, and how the error moves with uptake."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd

from evaluation.analysis.cohort import Cohort
from evaluation.analysis.results import Place, ResultRow
from evaluation.analysis.similarity import Sample, pair_sample, pooled_mean
from evaluation.statistics import not_estimable

UPTAKE_COLUMNS = ("region", "low", "high", "quantity", "mean", "lower", "upper", "n")


def control_rows(cohort: Cohort) -> list[ResultRow]:
    """Return the mean of each control, and by how much the synthetic PET differs from it."""
    wanted = cohort.plan.negative_controls
    if wanted is None:
        return []
    rows: list[ResultRow] = []
    for quantity in wanted.quantities:
        ours = pair_sample(cohort, quantity, wanted.region, wanted.analysis_set)
        for control in wanted.controls:
            place = Place(
                "negative_controls", "controls", wanted.analysis_set, cohort.plan.level,
                quantity=quantity, test=f"control:{control}", unit="participant",
                region=wanted.region,
            )  # fmt: skip
            theirs = pair_sample(
                cohort, quantity, wanted.region, wanted.analysis_set, image=f"control:{control}"
            )
            rows += _control(cohort, place, ours, theirs)
    return rows


def _control(cohort: Cohort, place: Place, ours: Sample, theirs: Sample) -> list[ResultRow]:
    if np.isnan(theirs.value).all():
        reason = "this control was not measured"
        none = not_estimable(reason, level=place.level, missing=len(theirs.value))
        return [place.row("mean", none)]
    difference = replace(ours, value=ours.value - theirs.value)
    return [
        place.row("mean", pooled_mean(cohort, theirs)),
        place.row("mean_difference", pooled_mean(cohort, difference)),
    ]


def uptake_rows(cohort: Cohort) -> tuple[list[ResultRow], pd.DataFrame]:
    """Return the mean error in each stratum of reference uptake, and the points of its figure."""
    wanted = cohort.plan.uptake_trend
    points: list[tuple[object, ...]] = []
    rows: list[ResultRow] = []
    if wanted is not None:
        for region, low, high in _strata(wanted.edges):
            for quantity in wanted.quantities:
                place = Place(
                    "uptake_trend", "uptake", wanted.analysis_set, cohort.plan.level,
                    quantity=quantity, unit="participant", region=region,
                )  # fmt: skip
                sample = pair_sample(cohort, quantity, region, wanted.analysis_set)
                e = pooled_mean(cohort, sample)
                rows.append(place.row("mean", e))
                points.append((region, low, high, quantity, e.value, e.lower, e.upper, e.n))
    return rows, pd.DataFrame(points, columns=list(UPTAKE_COLUMNS))


def _strata(edges: tuple[float, ...]) -> list[tuple[str, float, float]]:
    inner = [(f"uptake:{a:g}-{b:g}", a, b) for a, b in pairwise(edges)]
    return [*inner, (f"uptake:{edges[-1]:g}+", edges[-1], np.inf)]
