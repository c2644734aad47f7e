"""Primary endpoints of agreement: synthetic against reference values inside one outline."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evaluation.agreement import (
    BlandAltman,
    bland_altman,
    correlation,
    icc,
    lin_ccc_each,
    within_tolerance,
)
from evaluation.analysis.cohort import Cohort
from evaluation.analysis.heterogeneity import as_percent, heterogeneity_rows, interaction_row
from evaluation.analysis.plan_parts import PrimaryEndpoint
from evaluation.analysis.results import Place, ResultRow
from evaluation.analysis.similarity import (
    Sample,
    absent_rows,
    endpoint_place,
    one_unit,
    parts_of,
    pooled_mean,
    withheld,
)
from evaluation.statistics import Estimate, clustered_mean, not_estimable

_COLUMNS = ("endpoint", "quantity", "group", "participant", "site", "region", "reference",
            "synthetic", "unit", "mean", "difference_percent")  # fmt: skip


@dataclass(frozen=True, eq=False)
class Pairs:
    """Values of the same region on both images; NaN where one of them is missing.

    ``key`` tells a region of a participant from every other, the same for all quantities.
    """

    pid: NDArray[np.intp]
    region: NDArray[np.object_]
    reference: NDArray[np.float64]
    synthetic: NDArray[np.float64]
    unit: str
    key: NDArray[np.int64]

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.pid)

    def where(self, keep: NDArray[np.bool_]) -> "Pairs":
        """Return the pairs that are kept."""
        return Pairs(
            self.pid[keep], self.region[keep], self.reference[keep], self.synthetic[keep],
            self.unit, self.key[keep],
        )  # fmt: skip

    @property
    def log_ratio(self) -> Sample:
        """Differences ``ln synthetic - ln reference``; NaN where one is missing or not positive."""
        usable = (self.reference > 0) & (self.synthetic > 0)
        ratio = np.divide(
            self.synthetic, self.reference, out=np.full(len(self), np.nan), where=usable
        )
        return Sample(self.pid, np.log(ratio), "ln ratio")

    @property
    def difference(self) -> Sample:
        """Differences ``synthetic - reference``."""
        return Sample(self.pid, self.synthetic - self.reference, self.unit)


def agreement_rows(
    cohort: Cohort, endpoint: PrimaryEndpoint
) -> tuple[list[ResultRow], pd.DataFrame]:
    """Return the rows of an agreement endpoint and the pairs of values behind them."""
    rows: list[ResultRow] = []
    frames = [pd.DataFrame({column: pd.Series(dtype="object") for column in _COLUMNS})]
    for quantity in endpoint.quantities:
        for region, own in regions_of(cohort, endpoint, quantity):
            label = region.rstrip(":")
            place = endpoint_place(cohort.plan, endpoint, quantity, label)
            rows += _pairs_rows(cohort, endpoint, place, own)
            frames.append(_plotted(cohort, endpoint, place, own))
    return rows, pd.concat([f for f in frames if len(f)] or frames[:1], ignore_index=True)


def regions_of(
    cohort: Cohort, endpoint: PrimaryEndpoint, quantity: str, analysis_set: str = ""
) -> list[tuple[str, Pairs]]:
    """Return the pairs of a quantity, apart for each region where the endpoint says so."""
    inside = cohort.inside(analysis_set or endpoint.analysis_set)
    pairs = value_pairs(cohort, quantity, endpoint.region)
    pairs = pairs.where(inside[pairs.pid])
    if not endpoint.each_region or not len(pairs):
        return [(endpoint.region, pairs)]
    return [(name, pairs.where(pairs.region == name)) for name in sorted(set(pairs.region))]


def value_pairs(cohort: Cohort, quantity: str, region: str) -> Pairs:
    """Return one pair per participant and region that either image has, in fixed order."""
    return cohort.once(("pairs", quantity, region), lambda: _value_pairs(cohort, quantity, region))


def _value_pairs(cohort: Cohort, quantity: str, region: str) -> Pairs:
    sides = [
        cohort.tables.measured(quantity, image, region) for image in ("reference", "synthetic")
    ]
    size = len(cohort.tables.measurements["region"].array.categories)
    keys = [side["pid"].to_numpy() * max(size, 1) + side["region"].array.codes for side in sides]
    joint = np.union1d(*keys)
    values = []
    for key, side in zip(keys, sides, strict=True):
        value = np.full(len(joint), np.nan)
        value[np.searchsorted(joint, key)] = side["value"].to_numpy(dtype=float)
        values.append(value)
    names = np.asarray(cohort.tables.measurements["region"].array.categories, dtype=object)
    pid, code = np.divmod(joint.astype(np.intp), max(size, 1))
    return Pairs(pid, names[code], values[0], values[1], one_unit(pd.concat(sides)), joint)


def log_bias(cohort: Cohort, pairs: Pairs, *, level: float | None = None) -> Estimate:
    """Return the mean ln ratio of synthetic to reference."""
    return pooled_mean(cohort, pairs.log_ratio, level=level)


def limits_on_ratio(cohort: Cohort, pairs: Pairs, level: float | None = None) -> BlandAltman:
    """Return bias and limits of agreement of the ln ratio."""
    return bland_altman(
        pairs.synthetic, pairs.reference, subject=pairs.pid, log=True,
        level=cohort.plan.level if level is None else level,
    )  # fmt: skip


def _pairs_rows(
    cohort: Cohort, endpoint: PrimaryEndpoint, place: Place, pairs: Pairs
) -> list[ResultRow]:
    rows = _agreement(cohort, endpoint, place, pairs)
    for name, keep in cohort.sites.split(pairs.pid):
        rows += _agreement(cohort, endpoint, place.at(name), pairs.where(keep))
    ratio = pairs.log_ratio
    by_site = parts_of(cohort, ratio, "site")
    rows += heterogeneity_rows(cohort.plan, place, by_site, transform=as_percent, unit="ln ratio")
    for partition in cohort.demographics:
        for name, keep in partition.split(pairs.pid):
            rows += _ratio_rows(cohort, place.at(name), pairs.where(keep))
        parts = parts_of(cohort, ratio, partition.id)
        rows.append(interaction_row(place, partition.id, parts))
    return rows + absent_rows(cohort, place)


def _agreement(
    cohort: Cohort, endpoint: PrimaryEndpoint, place: Place, pairs: Pairs
) -> list[ResultRow]:
    plan = cohort.plan
    if len(pairs) == 0:
        reason = f"no {endpoint.unit} with this quantity on both images"
        none = not_estimable(reason, level=plan.level, method="none")
        return [place.row(name, none) for name in ("bias_percent", "bias", "ccc")]
    rows = [
        place.row(
            f"mean_{name}", clustered_mean(values, pairs.pid, level=plan.level, unit=pairs.unit)
        )
        for name, values in (("reference", pairs.reference), ("synthetic", pairs.synthetic))
    ]
    rows += _ratio_rows(cohort, place, pairs)
    raw = bland_altman(
        pairs.synthetic, pairs.reference, subject=pairs.pid, level=plan.level, unit=pairs.unit
    )
    for name, e in (
        ("bias", pooled_mean(cohort, pairs.difference)), ("loa_lower", raw.lower_limit),
        ("loa_upper", raw.upper_limit), ("slope", raw.slope),
    ):  # fmt: skip
        rows.append(place.row(name, withheld(plan, e)))
    return rows + _concordance(cohort, endpoint, place, pairs)


def _ratio_rows(cohort: Cohort, place: Place, pairs: Pairs) -> list[ResultRow]:
    ratio = limits_on_ratio(cohort, pairs)
    return [
        place.row(f"{name}_percent", withheld(cohort.plan, as_percent(e)))
        for name, e in (
            ("bias", log_bias(cohort, pairs)), ("loa_lower", ratio.lower_limit),
            ("loa_upper", ratio.upper_limit),
        )
    ]  # fmt: skip


def _concordance(
    cohort: Cohort, endpoint: PrimaryEndpoint, place: Place, pairs: Pairs
) -> list[ResultRow]:
    plan, x, y = cohort.plan, pairs.synthetic, pairs.reference
    key = ("ccc", endpoint.id, place.region, place.subgroup)
    ccc = cohort.once(key, lambda: _coefficients(cohort, endpoint, place))[place.quantity]
    ccc = replace(ccc, missing=int(np.isnan(x + y).sum()))
    absolute = icc(np.column_stack([y, x]), level=plan.level)["ICC2"].estimate
    r = correlation(y, x, level=plan.level)
    people = len(np.unique(pairs.pid))
    if people < len(pairs):
        absolute, r = (_without_interval(e, people) for e in (absolute, r))
    rows = [place.row("ccc", withheld(plan, ccc)), place.row("icc_a1", absolute)]
    rows.append(place.row("pearson", r))
    if endpoint.acceptance_percent is not None:
        share = within_tolerance(
            y, x, relative=endpoint.acceptance_percent / 100, subject=pairs.pid, level=plan.level
        )
        rows.append(place.row(f"within_{endpoint.acceptance_percent:g}_percent", share))
    return rows


def _coefficients(cohort: Cohort, endpoint: PrimaryEndpoint, place: Place) -> dict[str, Estimate]:
    """Return Lin's coefficient of each quantity in one region and subgroup, drawn once for all."""
    own = {}
    for quantity in endpoint.quantities:
        found = {name.rstrip(":"): p for name, p in regions_of(cohort, endpoint, quantity)}
        pairs = found.get(place.region)
        if pairs is not None and place.subgroup != "all":
            pairs = pairs.where(dict(cohort.sites.split(pairs.pid))[place.subgroup])
        if pairs is not None:
            own[quantity] = pairs
    keys = np.unique(np.concatenate([pairs.key for pairs in own.values()]))
    pid = np.empty(len(keys), dtype=np.intp)
    values = []
    for pairs in own.values():
        at = np.searchsorted(keys, pairs.key)
        pid[at] = pairs.pid
        sides = np.full((2, len(keys)), np.nan)
        sides[:, at] = pairs.synthetic, pairs.reference
        values.append((sides[0], sides[1]))
    estimates = lin_ccc_each(
        values, subject=pid, level=cohort.plan.level, replicates=cohort.plan.bootstrap_replicates,
        seed=replace(place, quantity="").seed(cohort.plan.seed),
    )  # fmt: skip
    return dict(zip(own, estimates, strict=True))


def _without_interval(e: Estimate, participants: int) -> Estimate:
    if not e.estimable:
        return e
    return replace(
        e, lower=None, upper=None, clusters=participants,
        reason="several lesions per participant: descriptive, without an interval",
    )  # fmt: skip


def _plotted(cohort: Cohort, endpoint: PrimaryEndpoint, place: Place, pairs: Pairs) -> pd.DataFrame:
    """Return pairs with what a Bland-Altman figure shows: geometric mean, difference in per cent."""
    people = cohort.people.iloc[pairs.pid]
    ratio = pairs.log_ratio.value
    both = pairs.reference * pairs.synthetic
    frame = {
        "endpoint": endpoint.id, "quantity": place.quantity, "group": place.region,
        "participant": people["participant"].to_numpy(), "site": people["site"].to_numpy(),
        "region": pairs.region, "reference": pairs.reference, "synthetic": pairs.synthetic,
        "unit": pairs.unit, "mean": np.sqrt(np.where(np.isnan(ratio), np.nan, both)),
        "difference_percent": 100 * np.expm1(ratio),
    }  # fmt: skip
    return pd.DataFrame(frame)[list(_COLUMNS)]
