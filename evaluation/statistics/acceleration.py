"""What a cluster bootstrap draws and leaves out, and the tails that BCa reads from it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from evaluation.statistics.weighting import SumStatistic, WeightedStatistic, weighted_sums

JACKKNIFE_GROUPS = 1000
"""Most left-out groups behind the acceleration of a statistic that needs every weight.

With G groups in place of K clusters the acceleration keeps its expectation and gains a standard
error of 0.41 / G: 0.0004 here, which moves a 95 % bound by less than 0.002 standard errors.
"""

_BLOCK = 100  # left-out groups evaluated at once

_Array = NDArray[np.float64]
_Codes = NDArray[np.intp]


@dataclass(frozen=True)
class ResamplingDesign:
    """What is drawn: cluster of each observation, stratum and jackknife group of each cluster."""

    statistic: WeightedStatistic
    codes: _Codes
    strata: _Codes
    groups: _Codes

    @property
    def clusters(self) -> int:
        """Number of clusters."""
        return len(self.strata)

    @classmethod
    def of(cls, statistic: WeightedStatistic, codes: _Codes, strata: _Codes) -> "ResamplingDesign":
        """Return the design with as many jackknife groups as the statistic bears."""
        most = len(strata) if isinstance(statistic, SumStatistic) else JACKKNIFE_GROUPS
        return cls(statistic, codes, strata, jackknife_groups(strata, most))


def jackknife_groups(strata: _Codes, most: int) -> _Codes:
    """Return groups of clusters, never across strata; one cluster each where ``most`` allows."""
    if len(strata) <= most:
        return np.arange(len(strata))
    groups, start = np.empty(len(strata), dtype=np.intp), 0
    for own in places_by_stratum(strata):
        count = min(len(own), max(2, round(most * len(own) / len(strata))))
        # Every count-th cluster falls into the same group: labels often run by date or scanner.
        groups[own] = start + np.arange(len(own)) % count
        start += count
    return groups


def places_by_stratum(strata: _Codes) -> list[_Codes]:
    """Return the clusters of each stratum."""
    return [np.flatnonzero(strata == h) for h in range(int(strata.max()) + 1)]


def evaluator(design: ResamplingDesign) -> Callable[[NDArray], _Array]:
    """Return the function that gives the statistic for counts of shape (replicates, clusters)."""
    statistic, codes = design.statistic, design.codes
    if isinstance(statistic, SumStatistic):
        sums = _sums_within(codes, statistic.terms)
        combine = statistic.combine
        return lambda counts: combine(weighted_sums(counts.astype(float), sums))
    single = len(codes) == design.clusters and bool(np.all(codes == np.arange(len(codes))))

    def evaluate(counts: NDArray) -> _Array:
        weights = (counts if single else counts[:, codes]).astype(float)
        weights.flags.writeable = False
        return np.asarray(statistic(weights), dtype=float)

    return evaluate


def evaluator_of_all(designs: Sequence[ResamplingDesign]) -> Callable[[NDArray], _Array]:
    """Return the function that gives each statistic for counts, shape (statistics, replicates).

    Counts are floats. Statistics that share their ``terms`` share the weighted sums.
    """
    sums: dict[int, _Array] = {}
    for design in designs:
        own = design.statistic
        if isinstance(own, SumStatistic) and id(own.terms) not in sums:
            sums[id(own.terms)] = _sums_within(design.codes, own.terms)
    others = [
        None if isinstance(design.statistic, SumStatistic) else evaluator(design)
        for design in designs
    ]

    def evaluate(counts: NDArray) -> _Array:
        found = {key: weighted_sums(counts, columns) for key, columns in sums.items()}
        rows = []
        for design, other in zip(designs, others, strict=True):
            own = design.statistic
            if isinstance(own, SumStatistic):
                rows.append(own.combine(found[id(own.terms)]))
            elif other is not None:
                rows.append(other(counts))
        return np.stack(rows)

    return evaluate


def _sums_within(codes: _Codes, terms: _Array) -> _Array:
    return np.stack([np.bincount(codes, weights=column) for column in terms.T], axis=1)


def plain_tails(level: float) -> _Array:
    """Return the two tail probabilities of an equal-tailed interval."""
    return np.array([(1 - level) / 2, (1 + level) / 2])


def bca_tails(
    design: ResamplingDesign, value: float, draws: _Array, level: float
) -> tuple[_Array, tuple[str, ...]]:
    """Return the tail probabilities of the BCa interval, and flags where it falls back."""
    plain = plain_tails(level)
    # A draw of every cluster once is the estimate itself, up to the rounding of its sums.
    tied = np.abs(draws - value) <= 1e-12 * max(abs(value), float(np.ptp(draws)))
    below = float(np.sum((draws < value) & ~tied) + 0.5 * np.sum(tied)) / len(draws)
    if not 0 < below < 1:
        return plain, ("bca_undefined",)
    bias = float(stats.norm.ppf(below))
    acceleration, flags = _acceleration(design)
    z = bias + stats.norm.ppf(plain)
    if np.any(acceleration * z >= 1):
        return plain, (*flags, "bca_undefined")
    return np.asarray(stats.norm.cdf(bias + z / (1 - acceleration * z))), flags


def _acceleration(design: ResamplingDesign) -> tuple[float, tuple[str, ...]]:
    """Return a sixth of the skewness of the jackknife's linear approximation."""
    strata = design.strata[np.unique(design.groups, return_index=True)[1]]
    values = _left_out(design)
    defined = np.isfinite(values)
    flags: tuple[str, ...] = () if defined.all() else ("undefined_jackknife",)
    values, strata = values[defined], strata[defined]
    counts = np.maximum(np.bincount(strata), 1)
    means = np.bincount(strata, weights=values) / counts
    influence = (means[strata] - values) * ((counts - 1) / counts)[strata]
    spread = float(np.sum(influence**2))
    return (float(np.sum(influence**3)) / (6 * spread**1.5) if spread > 0 else 0.0), flags


def _left_out(design: ResamplingDesign) -> _Array:
    """Return the statistic without each jackknife group."""
    statistic, count = design.statistic, int(design.groups.max()) + 1
    if isinstance(statistic, SumStatistic):
        sums = _sums_within(design.codes, statistic.terms)
        return statistic.combine(sums.sum(axis=0) - sums)
    evaluate, parts = evaluator(design), []
    for start in range(0, count, _BLOCK):
        block = np.arange(start, min(start + _BLOCK, count))
        parts.append(evaluate(design.groups[None, :] != block[:, None]))
    return np.concatenate(parts)
