"""Difference of two areas under ROC curves: paired, unpaired, clustered, within strata."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from evaluation.diagnostic.cases import complete_cases
from evaluation.diagnostic.partial import PartialRange, partial_placements
from evaluation.diagnostic.stratified import JoinedAreas, Placements, joined_areas
from evaluation.statistics import DEFAULT_LEVEL, Comparison, placement_values, require_level

ALTERNATIVES = ("two_sided", "greater", "less")
_Sample = tuple[ArrayLike, ArrayLike | None, ArrayLike | None]


@dataclass(frozen=True)
class _Difference:
    """A difference with its variance, degrees of freedom and denominators, or why there is none."""

    value: float
    variance: float
    df: float
    n: int
    clusters: int
    missing: int
    method: str
    flags: tuple[str, ...] = ()
    reason: str = ""


def compare_auc(  # noqa: PLR0913 - two samples when unpaired
    truth: ArrayLike,
    score_a: ArrayLike,
    score_b: ArrayLike,
    *,
    paired: bool = True,
    truth_b: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    cluster_b: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    strata_b: ArrayLike | None = None,
    partial: PartialRange | None = None,
    alternative: str = "two_sided",
    level: float = DEFAULT_LEVEL,
) -> Comparison:
    """Compare the areas of two scores: difference ``a - b``.

    Not valid for two models fitted to the same data of which one contains the other (Demler
    2012): both scores must have been locked beforehand.

    Parameters
    ----------
    truth, score_a, score_b
        As in `roc`. Paired, an observation without one of the scores is left out.
    paired
        False for scores of two independent samples; then ``truth_b``, ``cluster_b`` and
        ``strata_b`` belong to the second (by default the same as of the first).
    cluster, strata
        Participant and site of each observation, as in `roc`.
    partial
        As in `roc`: compares the partial areas over that range.
    alternative
        ``two_sided``, ``greater`` (a above b) or ``less``: the p-value's; the interval stays
        two-sided.

    Returns
    -------
    Comparison
        Paired: DeLong's (Obuchowski's) z. Unpaired: t with Welch-Satterthwaite degrees of freedom.

    Notes
    -----
    DeLong ER et al., Biometrics 1988;44:837; Obuchowski NA, Biometrics 1997;53:567.
    """
    require_level(level)
    alternative = alternative.replace("-", "_")
    if alternative not in ALTERNATIVES:
        raise ValueError(f"unknown alternative {alternative!r}: choose {', '.join(ALTERNATIVES)}")
    placements = placement_values if partial is None else partial_placements(partial)
    if paired:
        if truth_b is not None:
            raise ValueError("truth_b belongs to an unpaired comparison: say paired=False")
        sample = (truth, cluster, strata)
        found = _paired(sample, (score_a, score_b), placements)
    else:
        second = (
            truth if truth_b is None else truth_b,
            cluster if truth_b is None and cluster_b is None else cluster_b,
            strata if truth_b is None and strata_b is None else strata_b,
        )
        samples = ((truth, cluster, strata), second)
        found = _unpaired(samples, (score_a, score_b), placements)
    if partial is not None:
        of, low, high = partial
        found = replace(found, method=f"{found.method}, {of} {low:g} to {high:g}")
    return _tested(found, alternative=alternative, level=level)


def _paired(
    sample: _Sample, scores: tuple[ArrayLike, ArrayLike], placements: Placements
) -> _Difference:
    truth, cluster, strata = sample
    cases = complete_cases(truth, scores, cluster=cluster, strata=strata)
    joined = None if cases.reason else joined_areas(cases, placements)
    if joined is None or joined.reason:
        reason = cases.reason or (joined.reason if joined else "")
        return _none("paired DeLong", (cases.n, cases.clusters, cases.missing), reason)
    contrast = np.array([1.0, -1.0])
    areas = joined.areas
    return _Difference(
        float(contrast @ areas.value), float(contrast @ areas.covariance @ contrast), math.inf,
        joined.n, joined.clusters, cases.missing, f"paired {areas.method}", joined.flags,
    )  # fmt: skip


def _unpaired(
    both: tuple[_Sample, _Sample], scores: tuple[ArrayLike, ArrayLike], placements: Placements
) -> _Difference:
    samples = [
        complete_cases(truth, [score], cluster=cluster, strata=strata)
        for (truth, cluster, strata), score in zip(both, scores, strict=True)
    ]
    n, clusters, missing = (
        sum(getattr(s, name) for s in samples) for name in ("n", "clusters", "missing")
    )
    joined: list[JoinedAreas] = []
    for name, cases in zip(("first", "second"), samples, strict=True):
        found = None if cases.reason else joined_areas(cases, placements)
        if found is None or found.reason:
            reason = cases.reason or (found.reason if found else "")
            return _none("unpaired DeLong", (n, clusters, missing), f"{name} sample: {reason}")
        joined.append(found)
    one, other = joined
    variances = [float(j.areas.covariance[0, 0]) for j in joined]
    used = [j.clusters for j in joined]
    # A single participant has no variance, so there will be no interval to need the degrees.
    parts = [v**2 / max(k - 1, 1) for v, k in zip(variances, used, strict=True)]
    total = sum(variances)
    return _Difference(
        float(one.areas.value[0] - other.areas.value[0]), total,
        total**2 / sum(parts) if total > 0 else math.inf, one.n + other.n, sum(used), missing,
        f"unpaired {one.areas.method}, Welch t", (*one.flags, *other.flags),
    )  # fmt: skip


def _none(method: str, counts: tuple[int, int, int], reason: str) -> _Difference:
    return _Difference(math.nan, math.nan, math.nan, *counts, method, ("not_estimable",), reason)


def _tested(found: _Difference, *, alternative: str, level: float) -> Comparison:
    counts = (level, found.n, found.clusters, found.missing, found.method)
    if found.reason:
        return Comparison(None, None, None, *counts, flags=found.flags, reason=found.reason)
    if found.variance <= 1e-18 or math.isnan(found.variance):
        same = found.value == 0
        reason = (
            "the two scores rank the observations alike: no variance, no interval"
            if same
            else "a single case, or complete separation: no variance, no interval"
        )
        return Comparison(
            found.value, None, None, *counts, flags=(*found.flags, "no_interval"), reason=reason,
            statistic=0.0 if same else None, p_value=_p(0.0, math.inf, alternative) if same else None,
        )  # fmt: skip
    se = math.sqrt(found.variance)
    half = float(stats.t.ppf(0.5 + level / 2, found.df)) * se
    statistic = found.value / se
    return Comparison(
        found.value, found.value - half, found.value + half, *counts, flags=found.flags,
        statistic=statistic, p_value=_p(statistic, found.df, alternative),
    )  # fmt: skip


def _p(statistic: float, df: float, alternative: str) -> float:
    if alternative == "two_sided":
        return float(2 * stats.t.sf(abs(statistic), df))
    return float(stats.t.sf(statistic if alternative == "greater" else -statistic, df))
