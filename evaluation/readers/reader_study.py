"""Reader studies with several tests: the method of Obuchowski and Rockette."""

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from evaluation.readers.crossed import Readings, crossed
from evaluation.readers.error_covariance import ErrorCovariance, area_covariance, mean_errors
from evaluation.statistics import DEFAULT_LEVEL, Comparison, Estimate, require_level

_Array = NDArray[np.float64]
_NAMES = {
    ("random", "random"): "Obuchowski-Rockette, Hillis",
    ("fixed", "random"): "Obuchowski-Rockette, fixed readers",
    ("random", "fixed"): "Obuchowski-Rockette, fixed cases",
}
_NO_VARIANCE = "readers and cases show no variance: no interval"


@dataclass(frozen=True)
class MeanArea:
    """What the interval of one test's mean area rests on."""

    ms_reader: float
    cov2: float
    se: float
    df: float


@dataclass(frozen=True)
class ReaderStudy:
    """Areas by test averaged over readers, their differences and the overall test.

    ``f`` has ``df1`` and ``df2`` degrees of freedom; with fixed readers ``df2`` is infinite and
    ``df1 * f`` is chi-squared. ``f`` and ``p_value`` are None where nothing varies, and ``reason``
    says so. Components may be negative: they are moment estimates and are not cut off.
    """

    tests: tuple[str, ...]
    readers: tuple[str, ...]
    areas: _Array
    means: tuple[Estimate, ...]
    differences: dict[tuple[str, str], Comparison]
    f: float | None
    df1: int
    df2: float
    p_value: float | None
    ms_test: float
    ms_test_reader: float
    errors: ErrorCovariance
    denominator: float
    mean_details: tuple[MeanArea, ...]
    reader_component: float
    test_reader_component: float
    reason: str = ""


@dataclass(frozen=True)
class _Design:
    readings: Readings
    matrix: _Array
    area: _Array
    errors: ErrorCovariance
    kind: tuple[str, str]
    level: float

    @property
    def t(self) -> int:
        return self.area.shape[0]

    @property
    def r(self) -> int:
        return self.area.shape[1]

    @property
    def n(self) -> int:
        return self.r * len(self.readings.truth)

    @property
    def spread(self) -> float:
        """Cov2 less Cov3; below zero, which theory excludes, it counts as zero."""
        return max(self.errors.cov2 - self.errors.cov3, 0.0)


def obuchowski_rockette(
    ratings: pd.DataFrame,
    *,
    covariance: str = "delong",
    readers: str = "random",
    cases: str = "random",
    level: float = DEFAULT_LEVEL,
) -> ReaderStudy:
    """Compare two or more tests that several readers read on the same cases.

    Parameters
    ----------
    ratings
        One row per reading with columns reader, test, case, truth (0/1) and rating; every reader
        must have read every case with every test.
    covariance
        ``delong``, ``jackknife`` (leaving out one case) or ``unbiased``.
    readers, cases
        ``random`` to generalise to others like these, ``fixed`` to speak of these only; one of them
        must be random. With fixed cases the covariances play no part.
    level
        Confidence level of each interval; those of several differences are not adjusted.

    Raises
    ------
    ValueError
        If a column or reading is missing, a reading is repeated, a class has fewer than two cases,
        there are fewer than two readers or tests, or nothing is random.

    Notes
    -----
    Obuchowski NA, Rockette HE, Commun Stat Simul 1995;24:285, with the degrees of freedom of
    Hillis SL, Stat Med 2007;26:596. With t tests, r readers and mean squares of the areas::

        F = MS(T) / (MS(TR) + r max(Cov2 - Cov3, 0))              random readers and cases
        F = MS(T) / (Var - Cov1 + (r - 1) max(Cov2 - Cov3, 0))    fixed readers
        F = MS(T) / MS(TR)                                        fixed cases

    Examples
    --------
    >>> rows = [(r, t, c, c % 2, (c * t + r) % 5) for r in (1, 2) for t in (1, 2) for c in range(8)]
    >>> names = ["reader", "test", "case", "truth", "rating"]
    >>> study = obuchowski_rockette(pd.DataFrame(rows, columns=names))
    >>> study.tests, study.df1, len(study.means)
    (('1', '2'), 1, 2)
    """
    require_level(level)
    if (readers, cases) not in _NAMES:
        raise ValueError("readers and cases are each random or fixed, and one must be random")
    found = crossed(ratings)
    t, r = len(found.tests), len(found.readers)
    flat, matrix = area_covariance(found.truth, found.scores.reshape(t * r, -1), covariance)
    area = flat.reshape(t, r)
    return _study(_Design(found, matrix, area, mean_errors(matrix, t, r), (readers, cases), level))


def _study(d: _Design) -> ReaderStudy:
    centred = d.area - d.area.mean(axis=1, keepdims=True) - d.area.mean(axis=0) + d.area.mean()
    ms_test = d.r * float(np.sum((d.area.mean(axis=1) - d.area.mean()) ** 2)) / (d.t - 1)
    ms_both = float(np.sum(centred**2)) / ((d.t - 1) * (d.r - 1))
    below, df2 = _denominator(d, ms_both)
    details = tuple(_mean_detail(d, i) for i in range(d.t))
    f = ms_test / below if below > 0 else None
    ms_reader = d.t * float(d.area.mean(axis=0).var(ddof=1))
    e, tests = d.errors, d.readings.tests
    return ReaderStudy(
        tests, d.readings.readers, d.area,
        tuple(_mean(d, float(d.area[i].mean()), details[i]) for i in range(d.t)),
        {(tests[i], tests[k]): _difference(d, (i, k), math.sqrt(2 / d.r * below), df2)
         for i, k in combinations(range(d.t), 2)},
        f, d.t - 1, df2, None if f is None else _f_tail(f, d.t - 1, df2), ms_test, ms_both, e,
        below, details, (ms_reader - ms_both) / d.t - e.cov1 + e.cov3,
        ms_both - e.variance + e.cov1 + (e.cov2 - e.cov3), "" if below > 0 else _NO_VARIANCE,
    )  # fmt: skip


def _denominator(d: _Design, ms_both: float) -> tuple[float, float]:
    """Return what MS(T) is divided by, and its degrees of freedom."""
    df = float((d.t - 1) * (d.r - 1))
    if d.kind == ("fixed", "random"):
        return max(d.errors.variance - d.errors.cov1 + (d.r - 1) * d.spread, 0.0), math.inf
    if d.kind == ("random", "fixed"):
        return ms_both, df
    below = ms_both + d.r * d.spread
    return below, df * (below / ms_both) ** 2 if ms_both > 0 else math.inf


def _mean_detail(d: _Design, i: int) -> MeanArea:
    own = d.matrix[i * d.r : (i + 1) * d.r, i * d.r : (i + 1) * d.r]
    cov2 = float(own[~np.eye(d.r, dtype=bool)].mean())
    ms = float(d.area[i].var(ddof=1))
    if d.kind == ("fixed", "random"):
        variance = (float(np.diag(own).mean()) + (d.r - 1) * max(cov2, 0.0)) / d.r
        return MeanArea(ms, cov2, math.sqrt(variance), math.inf)
    if d.kind == ("random", "fixed"):
        return MeanArea(ms, cov2, math.sqrt(ms / d.r), d.r - 1.0)
    total = ms + d.r * max(cov2, 0.0)
    df = (d.r - 1) * (total / ms) ** 2 if ms > 0 else math.inf
    return MeanArea(ms, cov2, math.sqrt(total / d.r), df)


def _mean(d: _Design, value: float, detail: MeanArea) -> Estimate:
    method = _NAMES[d.kind]
    if detail.se == 0:
        return Estimate(
            value, None, None, d.level, d.n, d.r, 0, method, flags=("no_interval",),
            reason=_NO_VARIANCE,
        )  # fmt: skip
    half = _quantile(d.level, detail.df) * detail.se
    outside = value - half < 0 or value + half > 1
    return Estimate(
        value, max(0.0, value - half), min(1.0, value + half), d.level, d.n, d.r, 0, method,
        flags=("cut_off_at_0_or_1",) if outside else (),
    )  # fmt: skip


def _difference(d: _Design, pair: tuple[int, int], se: float, df: float) -> Comparison:
    first, second = (float(d.area[i].mean()) for i in pair)
    value, method = first - second, _NAMES[d.kind]
    if se == 0:
        return Comparison(
            value, None, None, d.level, d.n, d.r, 0, method, flags=("no_interval",),
            reason=_NO_VARIANCE,
        )  # fmt: skip
    half, statistic = _quantile(d.level, df) * se, value / se
    return Comparison(
        value, value - half, value + half, d.level, d.n, d.r, 0, method, statistic=statistic,
        p_value=_f_tail(statistic**2, 1, df),
    )  # fmt: skip


def _quantile(level: float, df: float) -> float:
    if math.isinf(df):
        return float(stats.norm.ppf(0.5 + level / 2))
    return float(stats.t.ppf(0.5 + level / 2, df))


def _f_tail(f: float, df1: int, df2: float) -> float:
    if math.isinf(df2):
        return float(stats.chi2.sf(df1 * f, df1))
    return float(stats.f.sf(f, df1, df2))
