"""How much the sites differ: stands beside the pooled estimate and is no claim of its own."""

import math
from collections.abc import Callable
from dataclasses import replace

from scipy import stats

from evaluation.analysis.results import Place, ResultRow
from evaluation.statistics import Estimate, not_estimable, random_effects

Transform = Callable[[Estimate], Estimate]


def _as_it_is(e: Estimate) -> Estimate:
    return e


def heterogeneity_rows(
    place: Place, by_site: list[Estimate], *, transform: Transform = _as_it_is
) -> list[ResultRow]:
    """Return pooled value, prediction interval for a new site, tau and I squared.

    ``by_site`` are t intervals of means, from which the standard errors are taken back;
    ``transform`` brings a value to the scale that is printed (tau stays on the scale of the sites).
    """
    usable = [e for e in by_site if e.estimable and _se(e) > 0]
    values, variances = [e.value or 0.0 for e in usable], [_se(e) ** 2 for e in usable]
    if len(usable) < 2:
        none = not_estimable(
            "fewer than two sites with an interval", level=place.level, clusters=len(usable)
        )
        return [place.row(name, none) for name in ("sites_pooled", "sites_tau")]
    r = random_effects(values, variances, level=place.level, unit=usable[0].unit)
    n, method = sum(e.n for e in usable), "random effects, reml"
    pooled = replace(r.estimate, n=n, clusters=len(usable))
    prediction = replace(
        pooled, lower=r.prediction_lower, upper=r.prediction_upper,
        method=f"prediction interval, {pooled.method}",
    )  # fmt: skip
    tau, unit = math.sqrt(r.tau2 or 0.0), pooled.unit
    return [
        place.row("sites_pooled", transform(pooled)),
        place.row("sites_prediction", transform(prediction)),
        place.plain("sites_tau", tau, n=n, unit_of_value=unit, method=method),
        place.plain("sites_i2_percent", r.i2_percent, n=n, unit_of_value="%", method=method),
        place.plain("sites_q_p", r.q_p_value, n=n, method="Cochran Q"),
    ]


def _se(e: Estimate) -> float:
    if e.lower is None or e.upper is None or e.clusters < 2:
        return 0.0
    return (e.upper - e.lower) / 2 / float(stats.t.ppf(0.5 + e.level / 2, e.clusters - 1))
