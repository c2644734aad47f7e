"""Primary endpoints of image similarity: one value per pair."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evaluation.analysis.cohort import Cohort
from evaluation.analysis.heterogeneity import (
    Part,
    heterogeneity_rows,
    interaction_row,
    mean_part,
)
from evaluation.analysis.plan import Plan
from evaluation.analysis.plan_parts import PrimaryEndpoint
from evaluation.analysis.results import Place, ResultRow
from evaluation.statistics import (
    Estimate,
    clustered_mean,
    mean_interval,
    present,
    quantile_intervals,
    stratified_mean,
)

QUANTILES = {"p2_5": 0.025, "q1": 0.25, "median": 0.5, "q3": 0.75, "p97_5": 0.975}


@dataclass(frozen=True, eq=False)
class Sample:
    """Observations with the participant of each; ``value`` is NaN where missing."""

    pid: NDArray[np.intp]
    value: NDArray[np.float64]
    unit: str

    def where(self, keep: NDArray[np.bool_]) -> "Sample":
        """Return the observations that are kept."""
        return replace(self, pid=self.pid[keep], value=self.value[keep])


def similarity_rows(
    cohort: Cohort, endpoint: PrimaryEndpoint
) -> tuple[list[ResultRow], pd.DataFrame]:
    """Return the rows of an image similarity endpoint and the values behind them."""
    rows: list[ResultRow] = []
    frames = []
    for quantity in endpoint.quantities:
        sample = pair_sample(cohort, quantity, endpoint.region, endpoint.analysis_set)
        place = endpoint_place(cohort.plan, endpoint, quantity, endpoint.region)
        rows += _sample_rows(cohort, place, sample)
        frames.append(_series(cohort, endpoint, quantity, sample))
    return rows, pd.concat(frames, ignore_index=True)


def pair_sample(
    cohort: Cohort, quantity: str, region: str, analysis_set: str, *, image: str = "pair"
) -> Sample:
    """Return one value per participant of an analysis set."""
    chosen = cohort.tables.measured(quantity, image, region)
    value = np.full(len(cohort.people), np.nan)
    value[chosen["pid"].to_numpy()] = chosen["value"].to_numpy(dtype=float)
    pid = np.flatnonzero(cohort.inside(analysis_set))
    return Sample(pid, value[pid], one_unit(chosen))


def pooled_mean(
    cohort: Cohort, sample: Sample, *, pooling: str = "", level: float | None = None
) -> Estimate:
    """Return the mean of all observations by the pooling of the plan, or the one asked for."""
    level, unit = level or cohort.plan.level, sample.unit
    if (pooling or cohort.plan.methods.pooling) == "crude":
        e = clustered_mean(sample.value, sample.pid, level=level, unit=unit)
    else:
        site = cohort.sites.code[sample.pid]
        e = stratified_mean(sample.value, site, cluster=sample.pid, level=level, unit=unit)
    return withheld(cohort.plan, e)


def parts_of(cohort: Cohort, sample: Sample, partition_id: str) -> list[Part]:
    """Return the mean of each level of a partition, for weighing them against each other."""
    partition = next(p for p in (cohort.sites, *cohort.demographics) if p.id == partition_id)
    code = partition.code[sample.pid]
    return [
        mean_part(label, sample.value[code == level], sample.pid[code == level])
        for level, label in enumerate(partition.labels)
    ]


def endpoint_place(plan: Plan, endpoint: PrimaryEndpoint, quantity: str, region: str) -> Place:
    """Return where the rows of an endpoint's quantity belong."""
    return Place(
        endpoint.id, "primary", endpoint.analysis_set, plan.level, quantity=quantity,
        unit=endpoint.unit, region=region,
    )  # fmt: skip


def withheld(plan: Plan, e: Estimate) -> Estimate:
    """Return an estimate without its interval where the plan's minimum is not reached."""
    if not e.estimable or e.clusters >= plan.minimum.participants:
        return e
    few = f"fewer than {plan.minimum.participants} participants: no interval"
    return replace(e, lower=None, upper=None, reason=few)


def one_unit(frame: pd.DataFrame) -> str:
    """Return the unit of value of measurements; the first by name where they differ."""
    units = sorted(set(frame["unit"].unique()) - {""})
    return str(units[0]) if units else ""


def _sample_rows(cohort: Cohort, place: Place, sample: Sample) -> list[ResultRow]:
    plan = cohort.plan
    rows = [place.row("mean", pooled_mean(cohort, sample)), *_spread(place, sample)]
    rows += _quantiles(plan, place, sample)
    for name, keep in cohort.sites.split(sample.pid):
        own, at = sample.where(keep), place.at(name)
        mean = mean_interval(own.value, level=plan.level, unit=sample.unit)
        rows += [at.row("mean", withheld(plan, mean)), *_spread(at, own)]
        rows += _quantiles(plan, at, own)
    by_site = parts_of(cohort, sample, "site")
    rows += heterogeneity_rows(plan, place, by_site, unit=sample.unit)
    for partition in cohort.demographics:
        for name, keep in partition.split(sample.pid):
            own, at = sample.where(keep), place.at(name)
            rows += [at.row("mean", pooled_mean(cohort, own)), *_spread(at, own)]
        parts = parts_of(cohort, sample, partition.id)
        rows.append(interaction_row(place, partition.id, parts))
    return rows + absent_rows(cohort, place)


def absent_rows(cohort: Cohort, place: Place, prefix: str = "") -> list[ResultRow]:
    """Return a row for each subgroup of the plan whose column is not in the participants table."""
    return [
        place.at(subgroup.id).plain(
            f"{prefix}interaction_p", None, n=0, method="Cochran Q",
            reason=f"the participants table has no column {subgroup.column!r}",
        )
        for subgroup in cohort.absent_subgroups
    ]  # fmt: skip


def _spread(place: Place, sample: Sample) -> list[ResultRow]:
    known, missing = present(sample.value)
    if len(known) < 2:
        return []
    return [
        place.plain(
            "sd", float(known.std(ddof=1)), n=len(known), missing=missing,
            unit_of_value=sample.unit, method="standard deviation",
        )
    ]  # fmt: skip


def _quantiles(plan: Plan, place: Place, sample: Sample) -> list[ResultRow]:
    estimates = quantile_intervals(
        sample.value, tuple(QUANTILES.values()), level=plan.level, unit=sample.unit
    )
    return [place.row(name, e) for name, e in zip(QUANTILES, estimates, strict=True)]


def _series(
    cohort: Cohort, endpoint: PrimaryEndpoint, quantity: str, sample: Sample
) -> pd.DataFrame:
    own = sample.where(~np.isnan(sample.value))
    people = cohort.people.iloc[own.pid]
    return pd.DataFrame(
        {
            "endpoint": endpoint.id, "quantity": quantity,
            "participant": people["participant"].to_numpy(), "site": people["site"].to_numpy(),
            "value": own.value,
        }
    )  # fmt: skip
