"""Two index tests read on the same units: differences of their measures of accuracy."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaluation.diagnostic.cases import (
    NO_NEGATIVE,
    NO_POSITIVE,
    Cases,
    complete_cases,
    require_binary,
)
from evaluation.diagnostic.mcnemar import clustered_mcnemar, mcnemar, tango_interval
from evaluation.diagnostic.predictive import (
    judged,
    likelihood_ratio_ratio,
    predictive_difference,
    predictive_ratio,
)
from evaluation.diagnostic.robust import distinct
from evaluation.statistics import DEFAULT_LEVEL, Comparison, clustered_mean, require_level

_CLUSTERED = ("obuchowski", "yang", "durkalski", "eliasziw")
_PLAIN = ("exact", "mid_p", "chi2")


@dataclass(frozen=True)
class PairedAccuracy:
    """Differences ``a - b`` and ratios ``a / b`` of two tests read on the same units."""

    sensitivity: Comparison
    specificity: Comparison
    ppv: Comparison
    npv: Comparison
    ppv_ratio: Comparison
    npv_ratio: Comparison
    lr_positive_ratio: Comparison
    lr_negative_ratio: Comparison

    def estimates(self) -> dict[str, Comparison]:
        """Return the comparisons by name, in the order of a table."""
        return dict(vars(self))


def compare_paired(
    truth: ArrayLike,
    call_a: ArrayLike,
    call_b: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    test: str = "auto",
    predictive: str = "weighted",
    level: float = DEFAULT_LEVEL,
) -> PairedAccuracy:
    """Compare two positive/negative calls against the same reference standard.

    Parameters
    ----------
    truth, call_a, call_b
        1/0, NaN where missing, shape (n,); units with a gap are left out and counted.
    cluster
        Participant of each unit.
    test
        Of sensitivity and specificity: ``exact``, ``mid_p`` or ``chi2`` (McNemar), with clusters
        ``obuchowski``, ``yang``, ``durkalski`` or ``eliasziw``. ``auto`` is exact below 25
        discordant pairs, else chi2, and Obuchowski's with clusters.
    predictive
        Of predictive values: ``weighted`` or ``generalised`` score; with clusters the latter.

    Returns
    -------
    PairedAccuracy
        Sensitivity and specificity: Tango's score interval, with clusters a cluster-robust t
        interval. Predictive values: Wald's intervals, score tests. Ratios: on the log scale.

    Notes
    -----
    Tango T, Stat Med 1998;17:891; Obuchowski NA, Stat Med 1998;17:1495; Leisenring W et al.,
    Biometrics 2000;56:345; Kosinski AS, Stat Med 2013;32:964; Moskowitz CS, Pepe MS, Clin Trials
    2006;3:272; Gu W, Pepe MS, Biostatistics 2009;10:467.
    """
    require_level(level)
    if predictive not in {"weighted", "generalised"}:
        raise ValueError(f"unknown score {predictive!r}: choose weighted or generalised")
    if test not in {"auto", *_PLAIN, *_CLUSTERED}:
        names = ", ".join(("auto", *_PLAIN, *_CLUSTERED))
        raise ValueError(f"unknown test {test!r}: choose one of {names}")
    for name, call in (("call_a", call_a), ("call_b", call_b)):
        require_binary(name, np.asarray(call, dtype=float))
    cases = complete_cases(truth, [call_a, call_b], cluster=cluster)
    _require_fitting(test, clustered=cases.clustered)
    difference, y = cases.values[0] - cases.values[1], cases.truth
    among_positive = Pairs(difference[y], cases.values[0][y], cases.codes[y], NO_POSITIVE)
    among_negative = Pairs(-difference[~y], 1 - cases.values[0][~y], cases.codes[~y], NO_NEGATIVE)
    return PairedAccuracy(
        paired_difference(among_positive, missing=cases.missing, level=level, test=test),
        paired_difference(among_negative, missing=cases.missing, level=level, test=test),
        *_by_result(cases, level=level, weighted=predictive == "weighted"),
    )


@dataclass(frozen=True)
class Pairs:
    """Differences of two calls, the first call, clusters, and what to say where there is none."""

    difference: NDArray[np.float64]
    first: NDArray[np.float64]
    group: NDArray
    empty: str


def paired_difference(pairs: Pairs, *, missing: int, level: float, test: str) -> Comparison:
    """Return the mean difference of two calls with its interval and test."""
    difference, group = pairs.difference, pairs.group
    n, clusters = len(difference), distinct(group)
    if n == 0:
        return Comparison(
            None, None, None, level, 0, 0, missing, "none", flags=("not_estimable",),
            reason=pairs.empty,
        )  # fmt: skip
    b, c = int((difference == 1).sum()), int((difference == -1).sum())
    if clusters == n:
        statistic, p = mcnemar(b, c, method=test if test in _PLAIN else "auto")
        kind = "chi-squared" if statistic is not None else "mid-p" if test == "mid_p" else "exact"
        return Comparison(
            (b - c) / n, *tango_interval(b, c, n, level=level), level, n, n, missing,
            f"Tango, McNemar {kind}", statistic=statistic, p_value=p,
        )  # fmt: skip
    return _clustered_difference(pairs, missing=missing, level=level, test=test)


def _clustered_difference(pairs: Pairs, *, missing: int, level: float, test: str) -> Comparison:
    test = test if test in _CLUSTERED else "obuchowski"
    e = clustered_mean(pairs.difference, pairs.group, level=level)
    chi2, p_value = clustered_mcnemar(pairs.difference, pairs.group, method=test, first=pairs.first)
    if e.lower is not None and e.lower == e.upper:
        # An interval of width zero would claim to know what was never observed.
        alike = "participants all differ alike" if pairs.difference.any() else "no discordant pair"
        e = replace(e, lower=None, upper=None, reason=f"{alike}: no interval")
    return Comparison(
        e.value, e.lower, e.upper, level, e.n, e.clusters, missing,
        f"{e.method}, McNemar by {test.capitalize()}", flags=e.flags, reason=e.reason,
        statistic=chi2, p_value=p_value,
    )  # fmt: skip


def _require_fitting(test: str, *, clustered: bool) -> None:
    if clustered and test in _PLAIN:
        raise ValueError(f"{test} needs one unit per participant: choose {', '.join(_CLUSTERED)}")


def _by_result(
    cases: Cases, *, level: float, weighted: bool
) -> tuple[Comparison, Comparison, Comparison, Comparison, Comparison, Comparison]:
    positive, negative = (judged(cases, result, level) for result in ("positive", "negative"))
    if cases.reason:
        none = positive.blank(cases.reason, "none")
        return none, none, none, none, none, none
    return (
        predictive_difference(positive, weighted=weighted),
        predictive_difference(negative, weighted=weighted),
        predictive_ratio(positive),
        predictive_ratio(negative),
        likelihood_ratio_ratio(positive),
        # Of a negative result: P(negative | condition) over P(negative | none), so upside down.
        likelihood_ratio_ratio(replace(negative, right=1 - negative.right)),
    )
