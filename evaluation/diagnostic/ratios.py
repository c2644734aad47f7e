"""Likelihood ratios, odds ratio, Youden's index and predictive values at a given prevalence."""

import math
from dataclasses import replace

from evaluation.diagnostic.fourfold import FourFold
from evaluation.diagnostic.robust import Spread, spread
from evaluation.statistics import Estimate


def likelihood_ratio(table: FourFold) -> Estimate:
    """Return the likelihood ratio of the judged result, by the log method of Simel 1991.

    With a zero cell nothing is added to the counts. A ratio without upper bound has no value but
    keeps its lower bound; a ratio of 0 keeps its upper bound. Both bounds combine one limit of
    either rate (Bonferroni), so they hold with at least the stated confidence.
    """
    name = "log (Simel 1991)"
    if table.reason:
        return table.none(table.reason, name)
    with_it, without = table.rates
    if with_it == without == 0:
        return table.none(f"the index test was never {table.result}", name)
    if without == 0 or with_it == 0:
        return _one_sided(table, infinite=without == 0, odds=False)
    one, other = table.residuals
    found = spread(one / with_it - other / without, table.group)
    return _on_log_scale(table, with_it / without, found, name)


def diagnostic_odds_ratio(table: FourFold) -> Estimate:
    """Return the odds ratio of the judged result by Woolf's method; zero cells as above."""
    name = "log (Woolf 1955)"
    if table.reason:
        return table.none(table.reason, name)
    (with_it, without), (one, other) = table.rates, table.residuals
    numerator, denominator = with_it * (1 - without), without * (1 - with_it)
    if numerator == denominator == 0:
        return table.none("two empty cells: the odds ratio is 0/0", name)
    if numerator == 0 or denominator == 0:
        return _one_sided(table, infinite=denominator == 0, odds=True)
    influence = one / (with_it * (1 - with_it)) - other / (without * (1 - without))
    return _on_log_scale(table, numerator / denominator, spread(influence, table.group), name)


def youden_index(table: FourFold, sensitivity: Estimate, specificity: Estimate) -> Estimate:
    """Return sensitivity + specificity - 1.

    Without clusters the interval joins those of the two by squaring and adding (Newcombe RG, Stat
    Med 1998;17:873), narrower than adding their limits. With clusters it is Wald's t interval,
    because one participant may count in both.
    """
    if table.reason:
        return table.none(table.reason, "square and add")
    value = table.rates[0] - table.rates[1]
    one, other = table.residuals
    found = spread(one - other, table.group)
    if found.clusters == len(table.truth):
        low = [_gap(e.value, e.lower) for e in (sensitivity, specificity)]
        high = [_gap(e.value, e.upper) for e in (sensitivity, specificity)]
        bounds = (value - math.hypot(*low), value + math.hypot(*high))
        return table.estimate(value, bounds, f"square and add, {sensitivity.method}")
    return _bounded(table, value, found)


def predictive_value_at(prevalence: float, table: FourFold) -> Estimate:
    """Return the share with the condition among those of the judged result, at a prevalence.

    The odds are those of the prevalence times the likelihood ratio, so the interval on the logit
    scale (Mercaldo 2007) is that of the ratio on the log scale.
    """
    ratio = likelihood_ratio(table)
    method = f"logit (Mercaldo 2007) at prevalence {prevalence:g}"
    if ratio.value is None and ratio.lower is None:
        return table.none(ratio.reason, method)
    odds = prevalence / (1 - prevalence)

    def share(value: float | None) -> float | None:
        return None if value is None else odds * value / (1 + odds * value)

    if ratio.value is None:
        return replace(
            ratio, value=1.0, lower=share(ratio.lower), upper=1.0, method=method,
            flags=("boundary",), reason="",
        )  # fmt: skip
    return replace(
        ratio, value=share(ratio.value), lower=share(ratio.lower), upper=share(ratio.upper),
        method=method,
    )  # fmt: skip


def _gap(value: float | None, bound: float | None) -> float:
    return 0.0 if value is None or bound is None else value - bound


def _on_log_scale(table: FourFold, value: float, found: Spread, name: str) -> Estimate:
    method = name if math.isinf(found.df) else f"{name}, cluster-robust t"
    if found.reason:
        e = table.estimate(value, (None, None), method)
        return replace(e, flags=("no_interval",), reason=found.reason)
    factor = math.exp(found.half_width(table.level))
    return table.estimate(value, (value / factor, value * factor), method)


def _bounded(table: FourFold, value: float, found: Spread) -> Estimate:
    if found.reason:
        e = table.estimate(value, (None, None), "cluster-robust t")
        return replace(e, flags=("no_interval",), reason=found.reason)
    half = found.half_width(table.level)
    bounds = (max(-1.0, value - half), min(1.0, value + half))
    return table.estimate(value, bounds, "cluster-robust t")


def _one_sided(table: FourFold, *, infinite: bool, odds: bool) -> Estimate:
    """Return what a zero cell leaves: the bound on the other side."""
    top, bottom = table.limits(condition=True), table.limits(condition=False)
    near, far = (top[0], bottom[1]) if infinite else (top[1], bottom[0])
    bound = None if near is None or far is None else _odds(near, odds) / _odds(far, odds)
    method = "one-sided, limits of both rates"
    if not infinite:
        e = table.estimate(0.0, (0.0, bound), method)
        reason = "" if bound is not None else "one participant only: no upper bound"
        return replace(e, flags=("one_sided",), reason=reason)
    said = (
        "" if bound is None else f"; with {table.level:.0%} confidence it is at least {bound:.3g}"
    )
    cell = "a cell of the table is empty, so the ratio has no upper bound"
    return replace(
        table.none(f"{cell}{said}", method), lower=bound, flags=("not_estimable", "one_sided")
    )


def _odds(rate: float, odds: bool) -> float:  # noqa: FBT001 - a scale, chosen by the caller
    return rate / (1 - rate) if odds else rate
