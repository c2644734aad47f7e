"""Several model releases measured on the same pairs: what each shows, and how they differ, paired.

Every comparison is exploratory: the primary analysis rests on one release that was named beforehand.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evaluation.agreement import lin_ccc, weighted_ccc
from evaluation.analysis.heterogeneity import as_percent
from evaluation.analysis.plan import Plan
from evaluation.analysis.similarity import one_unit, withheld
from evaluation.statistics import (
    Estimate,
    bootstrap,
    clustered_mean,
    not_estimable,
    stratified_mean,
)

BODY_QUANTITIES = ("mae", "psnr", "ssim")
LESION_QUANTITIES = ("suv_max", "suv_peak")
LESIONS = "lesion:"
FEWEST_PAIRS = 4  # for a coefficient of concordance

_Array = NDArray[np.float64]


@dataclass(frozen=True)
class ComparedRow:
    """One number of one release, or of a release less the first one (``against``).

    Attributes
    ----------
    region
        ``body``, one value for each participant, or ``lesion:``, one for each lesion.
    statistic
        ``mean``, ``bias``, ``recovery_percent``, ``ccc``, or one of them with ``_difference``;
        ``recovery_ratio_percent`` is how much more of SUV the release shows than the other one.
    n, clusters, missing
        Observations that every release has, their participants, and observations that some lack.
    """

    quantity: str
    region: str
    statistic: str
    release: str
    against: str
    value: float | None
    lower: float | None
    upper: float | None
    level: float
    n: int
    clusters: int
    missing: int
    unit: str
    method: str
    reason: str


@dataclass(frozen=True, eq=False)
class _Common:
    """Observations that every release has; ``numbers`` has shape (releases, observations)."""

    numbers: _Array
    participant: NDArray[np.object_]
    site: NDArray[np.object_]
    missing: int
    unit: str

    def on(self, numbers: _Array) -> "_Common":
        return replace(self, numbers=numbers)


@dataclass(frozen=True)
class _Asked:
    """What is asked of which releases; the others are compared with the first."""

    plan: Plan
    releases: tuple[str, ...]

    @property
    def first(self) -> str:
        return self.releases[0]


def compare_releases(
    plan: Plan, measured: pd.DataFrame, *, releases: Sequence[str]
) -> tuple[ComparedRow, ...]:
    """Return estimates of each release and paired differences to the first one.

    Parameters
    ----------
    plan
        Gives level, pooling over sites, replicates, seed, and the fewest participants for an interval.
    measured
        Rows of :func:`evaluation.analysis.measure.measure_pair` with the columns ``participant``,
        ``site``, ``release``, ``region``, ``image``, ``quantity``, ``value`` and ``unit``.
    releases
        Names in the column ``release``; the others are compared with the first.

    Raises
    ------
    ValueError
        Unless two or more releases are named, each once.

    Notes
    -----
    Participants are the sampling units: intervals of lesions are cluster-robust, those of differences
    of concordance a bootstrap over participants. Only what all releases have is compared, so all
    numbers of a quantity rest on the same observations.
    """
    if len(set(releases)) != len(releases) or len(releases) < 2:
        raise ValueError("name two or more releases, each once")
    asked, rows = _Asked(plan, tuple(releases)), list[ComparedRow]()
    for quantity in BODY_QUANTITIES:
        common = _common(measured, quantity, "pair", releases, where=_is_body)
        rows += _means(asked, common, ("body", quantity, "mean"))
    for quantity in LESION_QUANTITIES:
        rows += _lesion_rows(asked, measured, quantity)
    return tuple(rows)


def _is_body(region: pd.Series) -> pd.Series:
    return region == "body"


def _is_lesion(region: pd.Series) -> pd.Series:
    return region.str.startswith(LESIONS)


def _common(
    measured: pd.DataFrame,
    quantity: str,
    image: str,
    columns: Sequence[str],
    *,
    where: Callable[[pd.Series], pd.Series],
) -> _Common:
    own = measured[(measured["quantity"] == quantity) & (measured["image"] == image)]
    own = own[where(own["region"].astype(str))]
    keys = ["participant", "site", "region"]
    wide = own.pivot(index=keys, columns="release", values="value")  # noqa: PD010 # a row that comes twice is an error, not a mean
    wide = wide.reindex(columns=list(columns)).astype(float).sort_index()
    whole = wide[wide.notna().all(axis=1)]
    labels = [
        whole.index.get_level_values(n).to_numpy(dtype=object) for n in ("participant", "site")
    ]
    return _Common(whole.to_numpy().T, labels[0], labels[1], len(wide) - len(whole), one_unit(own))


def _lesion_rows(asked: _Asked, measured: pd.DataFrame, quantity: str) -> Iterator[ComparedRow]:
    """Yield bias, recovery and concordance of a quantity of lesions."""
    both = measured.copy()
    both["release"] = both["image"].astype(str) + "|" + both["release"].astype(str)
    both = both[both["image"].isin(["reference", "synthetic"])].assign(image="both")
    names = [
        f"{image}|{release}" for image in ("synthetic", "reference") for release in asked.releases
    ]
    common = _common(both, quantity, "both", names, where=_is_lesion)
    synthetic, reference = np.split(common.numbers, 2)
    place = (LESIONS, quantity)
    yield from _means(asked, common.on(synthetic - reference), (*place, "bias"))
    yield from _recoveries(asked, common, (synthetic, reference), place)
    yield from _concordances(asked, common, (synthetic, reference), place)


def _means(asked: _Asked, common: _Common, place: tuple[str, str, str]) -> Iterator[ComparedRow]:
    numbers = common.numbers
    for release, own in zip(asked.releases, numbers, strict=True):
        yield _row(common, place, (release, ""), _mean(asked.plan, common, own, common.unit))
    place = (*place[:2], f"{place[2]}_difference")
    for release, own in zip(asked.releases[1:], numbers[1:], strict=True):
        e = _mean(asked.plan, common, own - numbers[0], common.unit)
        yield _row(common, place, (release, asked.first), e)


def _recoveries(
    asked: _Asked, common: _Common, sides: tuple[_Array, _Array], place: tuple[str, str]
) -> Iterator[ComparedRow]:
    """Yield the geometric mean of synthetic over reference, and of one release over the first."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.log(sides[0]) - np.log(sides[1])
    ratios[~np.isfinite(ratios)] = np.nan  # a lesion without uptake has no ratio
    for release, ratio in zip(asked.releases, ratios, strict=True):
        e = as_percent(_mean(asked.plan, common, ratio, "ln ratio"))
        yield _row(common, (*place, "recovery_percent"), (release, ""), _plus_100(e))
    for release, ratio in zip(asked.releases[1:], ratios[1:], strict=True):
        e = as_percent(_mean(asked.plan, common, ratio - ratios[0], "ln ratio"))
        yield _row(common, (*place, "recovery_ratio_percent"), (release, asked.first), e)


def _concordances(
    asked: _Asked, common: _Common, sides: tuple[_Array, _Array], place: tuple[str, str]
) -> Iterator[ComparedRow]:
    """Yield Lin's coefficient with the reference, and its difference on the same draws of people."""
    for release, x, y in zip(asked.releases, *sides, strict=True):
        e = lin_ccc(
            x, y, subject=common.participant, seed=seed_of(asked.plan, *place, release),
            level=asked.plan.level, replicates=asked.plan.bootstrap_replicates,
        )  # fmt: skip
        yield _row(common, (*place, "ccc"), (release, ""), withheld(asked.plan, e))
    for k, release in enumerate(asked.releases[1:], start=1):
        seed = seed_of(asked.plan, *place, release, asked.first)
        e = _ccc_difference(asked, common, sides, k=k, seed=seed)
        yield _row(common, (*place, "ccc_difference"), (release, asked.first), e)


def _ccc_difference(
    asked: _Asked, common: _Common, sides: tuple[_Array, _Array], *, k: int, seed: int
) -> Estimate:
    synthetic, reference = sides
    plan, n = asked.plan, synthetic.shape[1]
    if n < FEWEST_PAIRS:
        return not_estimable("fewer than four pairs", level=plan.level, n=n, method="Lin CCC")

    def difference(weights: _Array) -> _Array:
        own = weighted_ccc(synthetic[k], reference[k], weights)
        return own - weighted_ccc(synthetic[0], reference[0], weights)

    e = bootstrap(
        difference, common.participant, seed=seed, replicates=plan.bootstrap_replicates,
        level=plan.level,
    )  # fmt: skip
    return withheld(plan, replace(e, method=f"difference of Lin CCC, {e.method}"))


def _mean(plan: Plan, common: _Common, values: _Array, unit: str) -> Estimate:
    """Return the mean by the pooling of the plan, participants as clusters."""
    if plan.methods.pooling == "crude":
        e = clustered_mean(values, common.participant, level=plan.level, unit=unit)
    else:
        e = stratified_mean(
            values, common.site, cluster=common.participant, level=plan.level, unit=unit
        )
    return withheld(plan, e)


def _plus_100(e: Estimate) -> Estimate:
    value, lower, upper = (None if v is None else 100 + v for v in (e.value, e.lower, e.upper))
    return replace(e, value=value, lower=lower, upper=upper)


def seed_of(plan: Plan, *names: str) -> int:
    """Return a seed that depends on what is estimated alone, so rows do not depend on their order."""
    return plan.seed + zlib.crc32("|".join(names).encode())


def _row(
    common: _Common, place: tuple[str, str, str], who: tuple[str, str], e: Estimate
) -> ComparedRow:
    region, quantity, statistic = place
    return ComparedRow(
        quantity, region, statistic, who[0], who[1], e.value, e.lower, e.upper, e.level, e.n,
        e.clusters, e.missing + common.missing, e.unit, e.method, e.reason,
    )  # fmt: skip
