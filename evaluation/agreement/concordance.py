"""Concordance and the share within a tolerance."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from evaluation.agreement.pairs import Pairs, complete_pairs, constant
from evaluation.statistics import (
    DEFAULT_LEVEL,
    Estimate,
    SumStatistic,
    bootstrap,
    bootstrap_each,
    clustered_proportion,
    count_by_cluster,
    not_estimable,
    require_level,
    weighted_sums,
)

_Array = NDArray[np.float64]


def lin_ccc(
    x: ArrayLike,
    y: ArrayLike,
    *,
    subject: ArrayLike | None = None,
    level: float = DEFAULT_LEVEL,
    seed: int | None = None,
    replicates: int = 2000,
) -> Estimate:
    """Estimate Lin's concordance correlation coefficient.

    ``ccc = 2 s_xy / (s_x^2 + s_y^2 + (mean_x - mean_y)^2)`` with divisor n. The interval uses
    Fisher's z and Lin's variance; with several pairs of a participant a cluster bootstrap.

    Parameters
    ----------
    subject
        Participant of each pair; when one has several, ``seed`` is required.

    Raises
    ------
    ValueError
        If lengths differ, or clustered pairs come without a seed.

    Notes
    -----
    Lin LI, Biometrics 1989;45:255, with the correction of 2000;56:324.
    """
    require_level(level)
    pairs = complete_pairs(x, y, subject)
    blank = not_estimable(
        "fewer than four pairs" if pairs.n < 4 else "both variables are constant", level=level,
        n=pairs.n, clusters=pairs.clusters, missing=pairs.missing, method="Lin CCC",
    )  # fmt: skip
    if pairs.n < 4 or (constant(pairs.x) and constant(pairs.y)):
        return blank
    if not pairs.replicated:
        return _fisher_ccc(pairs, level=level)
    if seed is None:
        raise ValueError("several pairs per participant: give a seed for the bootstrap")
    statistic = SumStatistic(_terms(pairs.x, pairs.y), _ccc_of_sums)
    e = bootstrap(statistic, pairs.subject, seed=seed, replicates=replicates, level=level)
    return replace(e, missing=pairs.missing, method=f"Lin CCC, {e.method}")


def lin_ccc_each(
    values: Sequence[tuple[ArrayLike, ArrayLike]],
    *,
    subject: ArrayLike,
    seed: int,
    level: float = DEFAULT_LEVEL,
    replicates: int = 2000,
) -> tuple[Estimate, ...]:
    """Estimate Lin's coefficient of several quantities of the same regions, drawn once.

    Each has one x and one y for every region, NaN where it lacks a value; ``subject`` says whose the
    regions are. Where nothing is missing each answer is the one of `lin_ccc` with the same seed.

    Notes
    -----
    A pair that is missing for a quantity adds nothing to its sums, so one set of draws of
    participants serves all.
    """
    found = [lin_ccc(x, y, level=level) for x, y in values]  # without regard to participants yet
    group = np.asarray(subject)
    usable = [i for i, e in enumerate(found) if e.estimable]
    kept = [~np.isnan(np.asarray(x, float) + np.asarray(y, float)) for x, y in values]
    nested = [i for i in usable if len(np.unique(group[kept[i]])) < kept[i].sum()]
    terms = []
    for i in nested:
        x, y = (np.asarray(side, dtype=float) for side in values[i])
        own = np.zeros((len(group), 6))
        own[kept[i]] = _terms(x[kept[i]], y[kept[i]])
        terms.append(SumStatistic(own, _ccc_of_sums))
    if not terms:
        return tuple(found)
    drawn = bootstrap_each(terms, group, seed=seed, replicates=replicates, level=level)
    for i, e in zip(nested, drawn, strict=True):
        clusters = len(np.unique(group[kept[i]]))
        found[i] = replace(
            e, n=found[i].n, clusters=clusters, missing=found[i].missing,
            method=f"Lin CCC, {e.method}",
        )  # fmt: skip
    return tuple(found)


def weighted_ccc(x: _Array, y: _Array, weights: _Array) -> _Array:
    """Return Lin's coefficient for each row of weights, shape (replicates, n) to (replicates,)."""
    return _ccc_of_sums(weighted_sums(weights, _terms(x, y)))


def _terms(x: _Array, y: _Array) -> _Array:
    # Centring first keeps the second moments free of cancellation.
    u, v = x - x.mean(), y - x.mean()
    return np.stack([np.ones(len(x)), u, v, u * u, v * v, u * v], axis=1)


def _ccc_of_sums(sums: _Array) -> _Array:
    total, u, v, uu, vv, uv = sums.T
    mx, my = u / total, v / total
    cov = uv / total - mx * my
    scale = uu / total - mx**2 + vv / total - my**2 + (mx - my) ** 2
    return np.divide(2 * cov, scale, out=np.full(len(total), np.nan), where=scale > 0)


def within_tolerance(
    x: ArrayLike,
    y: ArrayLike,
    *,
    absolute: float | None = None,
    relative: float | None = None,
    subject: ArrayLike | None = None,
    level: float = DEFAULT_LEVEL,
) -> Estimate:
    """Estimate the share of pairs with ``|y - x|`` within a tolerance stated beforehand.

    Give exactly one of ``absolute`` (in the unit of x) and ``relative`` (a fraction of ``|x|``).
    Several pairs of a participant take the cluster-robust interval.

    Raises
    ------
    ValueError
        Unless exactly one tolerance is given, or if it is negative or not finite.
    """
    if (absolute is None) == (relative is None):
        raise ValueError("give exactly one of absolute and relative")
    tolerance = absolute if relative is None else relative
    if tolerance is None or not (math.isfinite(tolerance) and tolerance >= 0):
        raise ValueError(f"the tolerance must be a number, not negative: {tolerance!r}")
    pairs = complete_pairs(x, y, subject)
    bound = tolerance * (1.0 if relative is None else np.abs(pairs.x))
    inside = np.abs(pairs.y - pairs.x) <= bound
    successes, totals = count_by_cluster(inside, pairs.subject)
    return clustered_proportion(successes, totals, level=level, missing=pairs.missing)


def _fisher_ccc(pairs: Pairs, *, level: float) -> Estimate:
    a, b, n = pairs.x, pairs.y, pairs.n
    c = float(weighted_ccc(a, b, np.ones((1, n)))[0])
    estimate = Estimate(c, None, None, level, n, n, pairs.missing, "Lin CCC, Fisher z")
    r = 0.0 if constant(a) or constant(b) else float(np.corrcoef(a, b)[0, 1])
    if r == 0 or abs(c) >= 1 - 1e-12:
        reason = "correlation of exactly 0 or concordance of exactly 1: no interval"
        return replace(estimate, flags=("no_interval",), reason=reason)
    u2 = (float(a.mean()) - float(b.mean())) ** 2 / (float(a.std()) * float(b.std()))
    variance = (
        (1 - r**2) * c**2 * (1 - c**2) / r**2
        + 2 * c**3 * (1 - c) * u2 / r
        - 0.5 * c**4 * u2**2 / r**2
    ) / (n - 2)
    # Zero at a perfect correlation with a shift; rounding would make it -1e-20.
    root = math.sqrt(max(0.0, variance))
    half = float(stats.norm.ppf(0.5 + level / 2)) * root / (1 - c**2)
    z = math.atanh(c)
    return replace(estimate, lower=math.tanh(z - half), upper=math.tanh(z + half))
