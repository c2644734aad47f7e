"""How much sites and subgroups differ: stands beside the pooled estimate and is no claim of its own."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import special, stats

from evaluation.analysis.plan import Plan
from evaluation.analysis.results import Place, ResultRow
from evaluation.statistics import Estimate, RandomEffects, not_estimable, random_effects

_LARGEST_LN = 100.0
Transform = Callable[[Estimate], Estimate]


@dataclass(frozen=True)
class Part:
    """The estimate of one site or subgroup on the scale of pooling, with its sampling variance."""

    name: str
    value: float
    variance: float
    n: int
    corrected: bool = False

    @property
    def usable(self) -> bool:
        """True when it can be weighed against others."""
        return math.isfinite(self.value) and math.isfinite(self.variance) and self.variance > 0


def as_it_is(e: Estimate) -> Estimate:
    """Return the estimate."""
    return e


def as_percent(e: Estimate) -> Estimate:
    """Return an estimate on the ln ratio as per cent: ``100 (exp(b) - 1)``."""
    if e.upper is not None and e.upper > _LARGEST_LN:
        few = "the interval of the ratio has no end that could be written"
        e = replace(e, lower=None, upper=None, reason=few)
    value, lower, upper = (
        None if b is None else 100 * math.expm1(b) for b in (e.value, e.lower, e.upper)
    )
    return replace(
        e, value=value, lower=lower, upper=upper, unit="%", method=f"{e.method}, ln ratio"
    )


def as_share(e: Estimate) -> Estimate:
    """Return an estimate on the logit scale as a proportion."""
    value, lower, upper = (
        None if b is None else float(special.expit(b)) for b in (e.value, e.lower, e.upper)
    )
    return replace(e, value=value, lower=lower, upper=upper, unit="", method=f"{e.method}, logit")


def corrected_part(name: str, value: float, clusters: int, n: int) -> Part:
    """Return a proportion of 0 or 1 as part on the logit scale, with 0.5 added to both cells.

    Leaving such a site out would pull the pooled value away from it. The number of participants
    stands for the sample size, and the method of whatever is pooled names the part.
    """
    hits, misses = value * clusters + 0.5, (1 - value) * clusters + 0.5
    return Part(name, math.log(hits / misses), 1 / hits + 1 / misses, n, corrected=True)


def logit_part(name: str, value: float, variance: float, n: int) -> Part:
    """Return a proportion or an area as part on the logit scale; at 0 and 1 it has none."""
    if not 0 < value < 1:
        return Part(name, math.nan, math.nan, n)
    return Part(name, float(special.logit(value)), variance / (value * (1 - value)) ** 2, n)


def mean_part(name: str, values: np.ndarray, pid: np.ndarray) -> Part:
    """Return the mean of observations with its (cluster-robust) variance; NaN is left out."""
    keep = ~np.isnan(values)
    x, who = values[keep], pid[keep]
    n = len(x)
    if n == 0:
        return Part(name, math.nan, math.nan, 0)
    mean = float(x.mean())
    sums = np.bincount(np.unique(who, return_inverse=True)[1], weights=x - mean)
    k = len(sums)
    variance = k / (k - 1) * float(np.sum(sums**2)) / n**2 if k > 1 else math.nan
    return Part(name, mean, variance, n)


def pooled_over_sites(
    plan: Plan, parts: Sequence[Part], *, transform: Transform = as_it_is, unit: str = ""
) -> Estimate:
    """Return the random-effects estimate of the usable sites on the printed scale."""
    usable = [part for part in parts if part.usable]
    n = sum(part.n for part in usable)
    if len(usable) < 2:
        return not_estimable(
            "fewer than two sites with an interval", level=plan.level, n=n, clusters=len(usable),
            method="random effects", unit=unit,
        )  # fmt: skip
    e = _random_effects(plan, usable, unit).estimate
    named = replace(e, n=n, method=e.method + _left_out(parts))
    return transform(named)


def heterogeneity_rows(
    plan: Plan,
    place: Place,
    parts: Sequence[Part],
    *,
    prefix: str = "",
    transform: Transform = as_it_is,
    unit: str = "",
) -> list[ResultRow]:
    """Return pooled value, prediction interval, tau, I squared, Q and each site left out.

    ``transform`` brings a value to the scale that is printed; tau stays on the scale of the parts.
    ``prefix`` comes before the statistic, for measures that share an endpoint.
    """
    usable = [part for part in parts if part.usable]
    pooled = pooled_over_sites(plan, parts, transform=transform, unit=unit)
    if len(usable) < 2:
        return [place.row(f"{prefix}{name}", pooled) for name in ("sites_pooled", "sites_tau")]
    r = _random_effects(plan, usable, unit)
    interval = replace(r.estimate, lower=r.prediction_lower, upper=r.prediction_upper, n=pooled.n)
    prediction = transform(replace(interval, method=f"prediction interval, {interval.method}"))
    method = f"random effects, {plan.methods.heterogeneity}{_left_out(parts)}"
    number: dict[str, Any] = {"n": pooled.n, "method": method}
    tau = math.sqrt(r.tau2 or 0.0)
    scale = (
        r.estimate.unit if transform is as_it_is else "ln" if transform is as_percent else "logit"
    )
    rows = [
        place.row(f"{prefix}sites_pooled", pooled),
        place.row(f"{prefix}sites_prediction", prediction),
        place.plain(f"{prefix}sites_tau", tau, unit_of_value=scale, **number),
        place.plain(f"{prefix}sites_i2_percent", r.i2_percent, unit_of_value="%", **number),
        place.plain(f"{prefix}sites_q_p", r.q_p_value, n=pooled.n, method="Cochran Q"),
    ]
    for part in usable if len(usable) > 2 else []:
        others = [other for other in usable if other is not part]
        e = pooled_over_sites(plan, others, transform=transform, unit=unit)
        rows.append(place.row(f"{prefix}leave_out:{part.name}", e))
    return rows


def interaction_row(
    place: Place, subgroup: str, parts: Sequence[Part], *, prefix: str = ""
) -> ResultRow:
    """Return the p-value of Cochran's Q over the estimates of a subgroup's levels."""
    at, name = place.at(subgroup), f"{prefix}interaction_p"
    usable = [part for part in parts if part.usable]
    n = sum(part.n for part in usable)
    if len(usable) < 2:
        reason = "fewer than two levels with an estimate and a variance"
        return at.plain(name, None, n=n, method="Cochran Q", reason=reason)
    values = np.array([part.value for part in usable])
    weights = 1 / np.array([part.variance for part in usable])
    q = float(np.sum(weights * (values - np.sum(weights * values) / weights.sum()) ** 2))
    method = f"Cochran Q over {len(usable)} levels{_left_out(parts)}"
    return at.plain(name, float(stats.chi2.sf(q, len(usable) - 1)), n=n, method=method)


def _random_effects(plan: Plan, usable: Sequence[Part], unit: str) -> RandomEffects:
    return random_effects(
        [part.value for part in usable], [part.variance for part in usable], level=plan.level,
        method=plan.methods.heterogeneity, knapp_hartung=plan.methods.knapp_hartung, unit=unit,
    )  # fmt: skip


def _left_out(parts: Sequence[Part]) -> str:
    absent = [part.name for part in parts if not part.usable]
    raised = [part.name for part in parts if part.usable and part.corrected]
    return (f" (without an estimate: {', '.join(absent)})" if absent else "") + (
        f" (0.5 added to both cells: {', '.join(raised)})" if raised else ""
    )
