"""Bootstrap intervals of all components of added value from one set of draws."""

from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from evaluation.diagnostic.cases import Cases
from evaluation.statistics import Comparison, Estimate, SumStatistic, bootstrap_each

_Array = NDArray[np.float64]


def bootstrapped_gains(
    cases: Cases,
    found: list[Comparison],
    columns: list[_Array],
    *,
    seed: int,
    replicates: int,
    level: float,
) -> list[Comparison]:
    """Return the comparisons with bootstrap intervals, all from one set of draws.

    ``columns`` hold a value of each observation: category moved, any move, change of risk, then
    one gain of net benefit for each threshold. ``found`` stands in the order of `AddedValue`.
    """
    y = cases.truth
    terms = np.stack([y, ~y, *(v * at for v in columns for at in (y, ~y))], axis=1).astype(float)
    parts = [(0, True, False), (0, False, True), (1, True, False), (1, False, True),
             (2, True, False), (2, False, True), (2, True, True)]  # fmt: skip
    combines = [partial(_difference, *part) for part in parts]
    combines += [partial(_overall, k) for k in range(3, len(columns))]
    drawn = bootstrap_each(
        [SumStatistic(terms, combine) for combine in combines], cases.codes, seed=seed,
        replicates=replicates, level=level, strata=cases.strata,
    )  # fmt: skip
    return [_with_bounds(e, b) for e, b in zip(found, drawn, strict=True)]


def _with_bounds(e: Comparison, drawn: Estimate) -> Comparison:
    # Where nothing moved in any replicate the bootstrap cannot see what was never observed.
    if e.value is None or drawn.lower is None or drawn.lower == drawn.upper:
        return e
    return replace(
        e, lower=drawn.lower, upper=drawn.upper, method=f"{drawn.method}; test: {e.method}",
        flags=drawn.flags, reason=drawn.reason,
    )  # fmt: skip


def _difference(column: int, events: bool, nonevents: bool, sums: _Array) -> _Array:  # noqa: FBT001 - bound by position
    """Return the mean of a column among events, minus that among non-events, or one of them."""
    found = np.zeros(len(sums))
    if events:
        found = found + _share(sums[:, 2 + 2 * column], sums[:, 0])
    if nonevents:
        found = found - _share(sums[:, 3 + 2 * column], sums[:, 1])
    return found


def _overall(column: int, sums: _Array) -> _Array:
    both = sums[:, 2 + 2 * column] + sums[:, 3 + 2 * column]
    return np.asarray(both / (sums[:, 0] + sums[:, 1]))


def _share(numerator: _Array, denominator: _Array) -> _Array:
    nothing = np.full(len(numerator), np.nan)
    return np.divide(numerator, denominator, out=nothing, where=denominator > 0)
