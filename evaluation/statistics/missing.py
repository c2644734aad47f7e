"""Missing outcomes: Rubin's pooling of imputed tables, worst and best case."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from evaluation.statistics.estimates import DEFAULT_LEVEL, Estimate, require_level
from evaluation.statistics.proportions import clustered_proportion, proportion_interval


@dataclass(frozen=True)
class RubinPooled:
    """An estimate pooled over multiply imputed tables, with the parts of its variance.

    Attributes
    ----------
    within, between
        Mean of the variances, and variance of the estimates between imputations.
    df
        Degrees of freedom by Barnard and Rubin; infinite for the normal distribution.
    fraction_missing
        Fraction of missing information, ``(r + 2 / (df + 3)) / (r + 1)``; 0 where the imputations
        agree exactly, because then nothing that matters was missing.
    relative_increase
        ``r = (1 + 1/m) between / within``: how much the gaps add to the variance.
    """

    estimate: Estimate
    within: float
    between: float | None
    df: float | None
    fraction_missing: float | None
    relative_increase: float | None


def rubin(
    values: ArrayLike,
    variances: ArrayLike,
    *,
    n: int,
    clusters: int,
    missing: int,
    complete_df: float | None = None,
    level: float = DEFAULT_LEVEL,
    unit: str = "",
) -> RubinPooled:
    """Pool the estimates of m imputed tables by Rubin's rules.

    Parameters
    ----------
    values, variances
        Estimate and sampling variance from each imputed table, shape (m,), on a scale where the
        estimate is about normal (logits of proportions, for example).
    n, clusters, missing
        Denominators of the completed tables and the number of values that were imputed.
    complete_df
        Degrees of freedom had nothing been missing; None for a large sample.

    Raises
    ------
    ValueError
        If lengths differ, a number is not finite or a variance is negative.

    Notes
    -----
    Rubin DB, Multiple Imputation for Nonresponse in Surveys, 1987, chapter 3; Barnard J, Rubin DB,
    Biometrika 1999;86:948 for the degrees of freedom. One imputation has no between variance: the
    value stands without an interval.

    Examples
    --------
    >>> p = rubin([0.80, 0.82, 0.84], [0.0009] * 3, n=200, clusters=200, missing=20)
    >>> round(p.estimate.value, 3), round(p.df, 2), round(p.relative_increase, 3)
    (0.82, 14.45, 0.593)
    """
    require_level(level)
    q, u = np.asarray(values, dtype=float), np.asarray(variances, dtype=float)
    if q.ndim != 1 or q.shape != u.shape or len(q) == 0:
        raise ValueError("values and variances must have the same length, at least one")
    if not (np.isfinite(q).all() and np.isfinite(u).all() and np.all(u >= 0)):
        raise ValueError("each imputed table needs a finite value and a variance, not negative")
    if complete_df is not None and not complete_df > 0:
        raise ValueError("complete_df must be positive")
    m, mean, within = len(q), float(q.mean()), float(u.mean())
    name = f"Rubin's rules, {m} imputations, Barnard-Rubin"
    plain = Estimate(mean, None, None, level, n, clusters, missing, name, unit)
    if m == 1:
        reason = "one imputation only: the variation between imputations is unknown"
        lone = replace(plain, flags=("one_imputation",), reason=reason)
        return RubinPooled(lone, within, None, None, None, None)
    between = float(q.var(ddof=1))
    added = (1 + 1 / m) * between
    total = within + added
    df = _barnard_rubin(m, added / total if total > 0 else 0.0, complete_df)
    if not df > 0:
        reason = "the imputed tables leave no degree of freedom: no interval"
        lost = replace(plain, flags=("no_interval",), reason=reason)
        return RubinPooled(
            lost, within, between, df, 1.0, added / within if within > 0 else math.inf
        )
    half = float(stats.t.ppf(0.5 + level / 2, df)) * math.sqrt(total)
    flags = () if total > 0 else ("no_variation",)
    estimate = replace(plain, lower=mean - half, upper=mean + half, flags=flags)
    r = added / within if within > 0 else (math.inf if added > 0 else 0.0)
    gap = 1.0 if math.isinf(r) else (r + 2 / (df + 3)) / (r + 1) if r > 0 else 0.0
    return RubinPooled(estimate, within, between, df, gap, r)


def _barnard_rubin(m: int, share: float, complete_df: float | None) -> float:
    """Return the degrees of freedom; ``share`` is the part of the variance due to the gaps."""
    old = (m - 1) / share**2 if share > 0 else math.inf
    if complete_df is None or math.isinf(complete_df):
        return old
    observed = (complete_df + 1) / (complete_df + 3) * complete_df * (1 - share)
    return 1 / (1 / old + 1 / observed) if observed > 0 else 0.0


def worst_and_best_case(
    successes: int | ArrayLike,
    n: int | ArrayLike,
    unknown: int | ArrayLike,
    *,
    level: float = DEFAULT_LEVEL,
) -> tuple[Estimate, Estimate]:
    """Estimate a proportion twice: every unknown outcome a failure, then every one a success.

    Parameters
    ----------
    successes, n, unknown
        Known successes, known outcomes and unknown outcomes; as numbers, or one of each per
        cluster, shape (K,), for the cluster-robust interval.

    Examples
    --------
    >>> worst, best = worst_and_best_case(80, 90, 10)
    >>> worst.value, best.value, worst.n
    (0.8, 0.9, 100)
    """
    known, total, gaps = (np.asarray(a, dtype=np.int64) for a in (successes, n, unknown))
    if np.any(gaps < 0):
        raise ValueError("the number of unknown outcomes cannot be negative")
    if not known.shape == total.shape == gaps.shape:
        raise ValueError("successes, n and unknown must have the same length")
    if np.any(known < 0) or np.any(known > total):
        raise ValueError("successes must lie between 0 and n")
    return (
        _case(known, total + gaps, "worst_case", level),
        _case(known + gaps, total + gaps, "best_case", level),
    )


def _case(successes: np.ndarray, totals: np.ndarray, mark: str, level: float) -> Estimate:
    if successes.ndim == 0:
        e = proportion_interval(int(successes), int(totals), level=level)
    else:
        e = clustered_proportion(successes, totals, level=level)
    return replace(e, flags=(*e.flags, mark))
