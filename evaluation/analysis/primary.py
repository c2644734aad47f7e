"""Primary endpoints: image similarity per pair, agreement of metabolic parameters per lesion."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd

from evaluation.agreement import bland_altman, correlation, icc, lin_ccc, within_tolerance
from evaluation.analysis.heterogeneity import heterogeneity_rows
from evaluation.analysis.plan import Plan, PrimaryEndpoint
from evaluation.analysis.results import Place, ResultRow
from evaluation.analysis.subgroups import split
from evaluation.analysis.tables import Tables, members
from evaluation.statistics import (
    Estimate,
    clustered_mean,
    mean_interval,
    not_estimable,
    present,
    quantile_intervals,
)

_QUANTILES = {"p2_5": 0.025, "q1": 0.25, "median": 0.5, "q3": 0.75, "p97_5": 0.975}


def similarity_rows(
    plan: Plan, tables: Tables, endpoint: PrimaryEndpoint
) -> tuple[list[ResultRow], pd.DataFrame]:
    """Return the rows of an image similarity endpoint and the values behind them."""
    people = members(plan.set_named(endpoint.analysis_set), tables.participants)
    rows: list[ResultRow] = []
    frames = []
    for quantity in endpoint.quantities:
        chosen = tables.measured(quantity, "pair", endpoint.region)
        joined = people[["participant", "site"]].merge(
            chosen[["participant", "value", "unit"]], on="participant", how="left"
        )
        frames.append(joined.assign(endpoint=endpoint.id, quantity=quantity))
        unit = _one_unit(chosen)
        place = _place(plan, endpoint, quantity, endpoint.region)
        for name, group in split(joined, tables.sites):
            rows += _distribution(plan, place.at(name), group["value"].to_numpy(), unit)
        by_site = [
            mean_interval(group["value"].to_numpy(), level=plan.level, unit=unit)
            for name, group in split(joined, tables.sites)
            if name != "all"
        ]
        rows += heterogeneity_rows(place, by_site)
    series = pd.concat(frames, ignore_index=True)
    columns = ["endpoint", "quantity", "participant", "site", "value"]
    return rows, series.loc[series["value"].notna(), columns].reset_index(drop=True)


def agreement_rows(
    plan: Plan, tables: Tables, endpoint: PrimaryEndpoint
) -> tuple[list[ResultRow], pd.DataFrame]:
    """Return the rows of an agreement endpoint and the pairs of values behind them."""
    people = members(plan.set_named(endpoint.analysis_set), tables.participants)
    rows: list[ResultRow] = []
    frames = [_no_pairs()]
    for quantity in endpoint.quantities:
        pairs = _value_pairs(tables, people, quantity, endpoint.region)
        for region in _regions(endpoint, pairs):
            own = pairs if region == endpoint.region else pairs[pairs["region"] == region]
            label = region.rstrip(":")
            frames.append(
                _plotted(own).assign(endpoint=endpoint.id, quantity=quantity, group=label)
            )
            place = _place(plan, endpoint, quantity, label)
            for name, group in split(own, tables.sites):
                rows += _agreement(plan, endpoint, place.at(name), group)
            by_site = [_log_bias(plan, g) for name, g in split(own, tables.sites) if name != "all"]
            rows += heterogeneity_rows(place, by_site, transform=as_percent)
    return rows, pd.concat([f for f in frames if len(f)] or frames[:1], ignore_index=True)


def _place(plan: Plan, endpoint: PrimaryEndpoint, quantity: str, region: str) -> Place:
    return Place(
        endpoint.id, "primary", endpoint.analysis_set, plan.level, quantity=quantity,
        unit=endpoint.unit, region=region,
    )  # fmt: skip


def _one_unit(frame: pd.DataFrame) -> str:
    units = sorted(set(frame["unit"]) - {""})
    return units[0] if units else ""


def _distribution(plan: Plan, place: Place, values: np.ndarray, unit: str) -> list[ResultRow]:
    mean = mean_interval(values, level=plan.level, unit=unit)
    if mean.estimable and mean.n < plan.minimum.participants:
        few = f"fewer than {plan.minimum.participants} participants: no interval"
        mean = replace(mean, lower=None, upper=None, reason=few)
    rows = [place.row("mean", mean)]
    known, missing = present(values)
    if len(known) > 1:
        rows.append(
            place.plain(
                "sd", float(known.std(ddof=1)), n=len(known), missing=missing, unit_of_value=unit,
                method="standard deviation",
            )
        )  # fmt: skip
    estimates = quantile_intervals(values, tuple(_QUANTILES.values()), level=plan.level, unit=unit)
    rows += [place.row(name, e) for name, e in zip(_QUANTILES, estimates, strict=True)]
    return rows


def _plotted(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return pairs with what a Bland-Altman figure shows: geometric mean, difference in per cent."""
    reference, synthetic = pairs["reference"].to_numpy(float), pairs["synthetic"].to_numpy(float)
    positive = (reference > 0) & (synthetic > 0)
    mean = np.sqrt(np.where(positive, reference * synthetic, np.nan))
    ratio = np.divide(synthetic, reference, out=np.full(len(pairs), np.nan), where=positive)
    return pairs.assign(mean=mean, difference_percent=100 * (ratio - 1))


def _no_pairs() -> pd.DataFrame:
    columns = ["endpoint", "quantity", "group", "participant", "site", "region", "reference",
               "synthetic", "unit", "mean", "difference_percent"]  # fmt: skip
    return pd.DataFrame({column: pd.Series(dtype="object") for column in columns})


def _value_pairs(tables: Tables, people: pd.DataFrame, quantity: str, region: str) -> pd.DataFrame:
    """Return one row per participant and region with both values, NaN where one is missing."""
    keys = ["participant", "region"]
    sides = {
        image: tables.measured(quantity, image, region)[[*keys, "value", "unit"]]
        for image in ("reference", "synthetic")
    }
    both = sides["reference"].merge(
        sides["synthetic"], on=keys, how="outer", suffixes=("_reference", "_synthetic")
    )
    both = both.rename(columns={"value_reference": "reference", "value_synthetic": "synthetic"})
    both["unit"] = both["unit_reference"].fillna(both["unit_synthetic"])
    both = people[["participant", "site"]].merge(both, on="participant", how="inner")
    return both[["participant", "site", "region", "reference", "synthetic", "unit"]].sort_values(
        keys, kind="stable", ignore_index=True
    )


def _regions(endpoint: PrimaryEndpoint, pairs: pd.DataFrame) -> list[str]:
    if endpoint.each_region and len(pairs):
        return sorted(set(pairs["region"]))
    return [endpoint.region]


def _agreement(
    plan: Plan, endpoint: PrimaryEndpoint, place: Place, pairs: pd.DataFrame
) -> list[ResultRow]:
    reference, synthetic = pairs["reference"].to_numpy(float), pairs["synthetic"].to_numpy(float)
    who, unit = pairs["participant"].to_numpy(), _one_unit(pairs)
    if len(pairs) == 0:
        reason = f"no {endpoint.unit} with this quantity on both images"
        none = not_estimable(reason, level=plan.level, method="none")
        return [place.row(name, none) for name in ("bias_percent", "bias", "ccc")]
    rows = [
        place.row(f"mean_{name}", clustered_mean(values, who, level=plan.level, unit=unit))
        for name, values in (("reference", reference), ("synthetic", synthetic))
    ]
    ratio = bland_altman(synthetic, reference, subject=who, log=True, level=plan.level)
    raw = bland_altman(synthetic, reference, subject=who, level=plan.level, unit=unit)
    for name, e in (
        ("bias", ratio.bias), ("loa_lower", ratio.lower_limit), ("loa_upper", ratio.upper_limit),
    ):  # fmt: skip
        rows.append(place.row(f"{name}_percent", _withheld(plan, as_percent(e))))
    for name, e in (
        ("bias", raw.bias), ("loa_lower", raw.lower_limit), ("loa_upper", raw.upper_limit),
        ("slope", raw.slope),
    ):  # fmt: skip
        rows.append(place.row(name, _withheld(plan, e)))
    return rows + _concordance(plan, endpoint, place, pairs)


def _concordance(
    plan: Plan, endpoint: PrimaryEndpoint, place: Place, pairs: pd.DataFrame
) -> list[ResultRow]:
    reference, synthetic = pairs["reference"].to_numpy(float), pairs["synthetic"].to_numpy(float)
    who = pairs["participant"].to_numpy()
    ccc = lin_ccc(
        synthetic, reference, subject=who, level=plan.level, seed=place.seed(plan.seed),
        replicates=plan.bootstrap_replicates,
    )  # fmt: skip
    absolute = icc(np.column_stack([reference, synthetic]), level=plan.level)["ICC2"].estimate
    r = correlation(reference, synthetic, level=plan.level)
    if len(set(who)) < len(who):
        absolute, r = (_without_interval(e, len(set(who))) for e in (absolute, r))
    rows = [place.row("ccc", _withheld(plan, ccc)), place.row("icc_a1", absolute)]
    rows.append(place.row("pearson", r))
    if endpoint.acceptance_percent is not None:
        share = within_tolerance(
            reference, synthetic, relative=endpoint.acceptance_percent / 100, subject=who,
            level=plan.level,
        )  # fmt: skip
        rows.append(place.row(f"within_{endpoint.acceptance_percent:g}_percent", share))
    return rows


def _log_bias(plan: Plan, pairs: pd.DataFrame) -> Estimate:
    return bland_altman(
        pairs["synthetic"].to_numpy(float), pairs["reference"].to_numpy(float),
        subject=pairs["participant"].to_numpy(), log=True, level=plan.level,
    ).bias  # fmt: skip


def as_percent(e: Estimate) -> Estimate:
    """Return an estimate on the ln ratio as per cent: ``100 (exp(b) - 1)``."""
    value, lower, upper = (
        None if b is None else 100 * math.expm1(b) for b in (e.value, e.lower, e.upper)
    )
    return replace(
        e, value=value, lower=lower, upper=upper, unit="%", method=f"{e.method}, ln ratio"
    )


def _withheld(plan: Plan, e: Estimate) -> Estimate:
    if not e.estimable or e.clusters >= plan.minimum.participants:
        return e
    few = f"fewer than {plan.minimum.participants} participants: no interval"
    return replace(e, lower=None, upper=None, reason=few)


def _without_interval(e: Estimate, participants: int) -> Estimate:
    if not e.estimable:
        return e
    return replace(
        e, lower=None, upper=None, clusters=participants,
        reason="several lesions per participant: descriptive, without an interval",
    )  # fmt: skip
