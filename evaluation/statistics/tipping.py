"""The tipping point: how far missing outcomes must depart before a conclusion is lost."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.statistics.estimates import Estimate


@dataclass(frozen=True)
class TippingPoint:
    """The first ``delta`` at which a conclusion is lost; None, with a reason, where it never is.

    ``estimates`` holds the estimate at each of ``deltas``, for the table and the figure.
    """

    delta: float | None
    estimates: tuple[Estimate, ...]
    deltas: tuple[float, ...]
    reason: str = ""


def tipping_point(
    estimate_at: Callable[[float], Estimate],
    deltas: Sequence[float],
    *,
    bound: float,
    side: str,
) -> TippingPoint:
    """Find the first shift of the missing outcomes at which the interval reaches a bound.

    Parameters
    ----------
    estimate_at
        Gives the estimate when the imputed outcomes are shifted by a delta.
    deltas
        Shifts in the order of growing departure from "missing at random", strictly monotone.
    bound, side
        ``lower``: the conclusion holds while the interval's lower end is above ``bound``;
        ``upper``: while the upper end is below it.

    Raises
    ------
    ValueError
        For an unknown side, no delta, or deltas that are not strictly monotone.

    Notes
    -----
    Delta-adjusted sensitivity analysis: Rubin 1987, 6.2; Cro S et al., Stat Med 2020;39:2815. A
    delta without an interval ends the search: what happens there is not known.
    """
    steps = np.asarray(deltas, dtype=float)
    if side not in {"lower", "upper"}:
        raise ValueError(f"unknown side {side!r}: choose lower or upper")
    if not (math.isfinite(bound) and len(steps) and np.isfinite(steps).all()):
        raise ValueError("bound and deltas must be finite, with at least one delta")
    if len(steps) > 1 and not (np.all(np.diff(steps) > 0) or np.all(np.diff(steps) < 0)):
        raise ValueError("deltas must grow, or fall, from each to the next")
    tried = tuple(float(step) for step in steps)
    estimates = tuple(estimate_at(step) for step in tried)
    for step, e in zip(tried, estimates, strict=True):
        end = e.lower if side == "lower" else e.upper
        if end is None:
            return TippingPoint(None, estimates, tried, f"no interval at delta {step:g}")
        if end <= bound if side == "lower" else end >= bound:
            return TippingPoint(step, estimates, tried)
    reason = f"the conclusion holds for every delta from {tried[0]:g} to {tried[-1]:g}"
    return TippingPoint(None, estimates, tried, reason)
