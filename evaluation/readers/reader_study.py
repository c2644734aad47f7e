"""Reader studies with random readers and cases: the method of Obuchowski and Rockette."""

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from evaluation.statistics import (
    DEFAULT_LEVEL,
    Comparison,
    Estimate,
    areas_under_curve,
    require_level,
)

_Array = NDArray[np.float64]
_COLUMNS = ("reader", "test", "case", "truth", "rating")


@dataclass(frozen=True)
class ErrorCovariance:
    """Mean variance of a reader's area and its covariances.

    ``cov1``: other test, same reader; ``cov2``: same test, other reader; ``cov3``: both others.
    """

    variance: float
    cov1: float
    cov2: float
    cov3: float


@dataclass(frozen=True)
class ReaderStudy:
    """Areas by test averaged over readers, their differences and the overall F test."""

    tests: tuple[str, ...]
    readers: tuple[str, ...]
    areas: _Array
    means: tuple[Estimate, ...]
    differences: dict[tuple[str, str], Comparison]
    f: float
    df1: int
    df2: float
    p_value: float
    ms_test: float
    ms_test_reader: float
    errors: ErrorCovariance


def obuchowski_rockette(
    ratings: pd.DataFrame, *, covariance: str = "delong", level: float = DEFAULT_LEVEL
) -> ReaderStudy:
    """Compare tests that several readers read on the same cases; readers and cases are random.

    Parameters
    ----------
    ratings
        One row per reading with columns reader, test, case, truth (0/1) and rating; every reader
        must have read every case with every test.
    covariance
        ``delong`` or ``jackknife`` (leaving out one case).

    Raises
    ------
    ValueError
        If a column is missing, a reading is missing or repeated, a class is absent, or there are
        fewer than two readers or tests.

    Notes
    -----
    Obuchowski NA, Rockette HE, Commun Stat Simul 1995;24:285, with the degrees of freedom of
    Hillis SL, Stat Med 2007;26:596. ``cov2 - cov3`` below zero counts as zero.
    """
    require_level(level)
    truth, scores, tests, readers = _crossed(ratings)
    t, r = len(tests), len(readers)
    flat = scores.reshape(t * r, -1)
    found = areas_under_curve(truth, flat)
    matrix = found.covariance if covariance == "delong" else _jackknife(truth, flat, covariance)
    area = found.value.reshape(t, r)
    errors = _errors(matrix, t, r)
    centred = area - area.mean(axis=1, keepdims=True) - area.mean(axis=0) + area.mean()
    ms_test = r * float(np.sum((area.mean(axis=1) - area.mean()) ** 2)) / (t - 1)
    ms_both = float(np.sum(centred**2)) / ((t - 1) * (r - 1))
    below = ms_both + r * max(errors.cov2 - errors.cov3, 0.0)
    df2 = below**2 / (ms_both**2 / ((t - 1) * (r - 1))) if ms_both > 0 else math.inf
    f = ms_test / below if below > 0 else math.nan
    size = (len(truth), r)
    means = tuple(_mean(area[i], matrix[i * r : (i + 1) * r, i * r : (i + 1) * r], size, level)
                  for i in range(t))  # fmt: skip
    differences = {
        (tests[i], tests[k]): _difference(
            float(area[i].mean() - area[k].mean()), math.sqrt(2 / r * below), df2, size, level=level
        )
        for i, k in combinations(range(t), 2)
    }
    return ReaderStudy(
        tests, readers, area, means, differences, f, t - 1, df2,
        float(stats.f.sf(f, t - 1, df2)), ms_test, ms_both, errors,
    )  # fmt: skip


def _crossed(
    ratings: pd.DataFrame,
) -> tuple[NDArray[np.bool_], _Array, tuple[str, ...], tuple[str, ...]]:
    """Return truth (cases,), ratings (tests, readers, cases) and the names."""
    missing = [column for column in _COLUMNS if column not in ratings.columns]
    if missing:
        raise ValueError(f"ratings: column {missing[0]!r} is missing")
    if ratings.duplicated(["reader", "test", "case"]).any():
        raise ValueError("ratings: a reader read a case twice with the same test")
    wide = ratings.pivot_table(index="case", columns=["test", "reader"], values="rating")
    tests = tuple(sorted(set(ratings["test"])))
    readers = tuple(sorted(set(ratings["reader"])))
    if len(tests) < 2 or len(readers) < 2:
        raise ValueError("a reader study needs at least two tests and two readers")
    wide = wide.reindex(columns=pd.MultiIndex.from_product([tests, readers]))
    if wide.isna().to_numpy().any():
        raise ValueError("every reader must have read every case with every test")
    verdicts = ratings.groupby("case")["truth"].agg(["min", "max"]).loc[wide.index]
    if (verdicts["min"] != verdicts["max"]).any() or not verdicts["min"].isin([0, 1]).all():
        raise ValueError("each case needs one truth, 0 or 1")
    truth = verdicts["min"].to_numpy() == 1
    if truth.all() or not truth.any():
        raise ValueError("the cases must include positive and negative ones")
    scores = wide.to_numpy(float).T.reshape(len(tests), len(readers), -1)
    return truth, scores, tuple(map(str, tests)), tuple(map(str, readers))


def _jackknife(truth: NDArray[np.bool_], flat: _Array, name: str) -> _Array:
    if name != "jackknife":
        raise ValueError(f"unknown covariance {name!r}: choose delong or jackknife")
    n = len(truth)
    keep = ~np.eye(n, dtype=bool)
    left_out = np.stack([areas_under_curve(truth[row], flat[:, row]).value for row in keep])
    deviation = left_out - left_out.mean(axis=0)
    return np.asarray((n - 1) / n * deviation.T @ deviation)


def _errors(matrix: _Array, t: int, r: int) -> ErrorCovariance:
    test, reader = np.repeat(np.arange(t), r), np.tile(np.arange(r), t)
    same_test = test[:, None] == test
    same_reader = reader[:, None] == reader
    kinds = (
        same_test & same_reader, ~same_test & same_reader, same_test & ~same_reader,
        ~same_test & ~same_reader,
    )  # fmt: skip
    return ErrorCovariance(*(float(matrix[kind].mean()) for kind in kinds))


def _mean(area: _Array, matrix: _Array, size: tuple[int, int], level: float) -> Estimate:
    cases, r = size
    cov2 = max(float(matrix[~np.eye(r, dtype=bool)].mean()), 0.0)
    ms_reader = float(area.var(ddof=1))
    total = ms_reader + r * cov2
    df = total**2 / (ms_reader**2 / (r - 1)) if ms_reader > 0 else math.inf
    value, half = float(area.mean()), float(stats.t.ppf(0.5 + level / 2, df)) * math.sqrt(total / r)
    return Estimate(
        value, value - half, value + half, level, cases * r, r, 0, "Obuchowski-Rockette, Hillis"
    )


def _difference(
    value: float, se: float, df: float, size: tuple[int, int], *, level: float
) -> Comparison:
    cases, r = size
    half = float(stats.t.ppf(0.5 + level / 2, df)) * se
    t = value / se if se > 0 else math.nan
    return Comparison(
        value, value - half, value + half, level, cases * r, r, 0, "Obuchowski-Rockette, Hillis",
        statistic=t, p_value=float(2 * stats.t.sf(abs(t), df)),
    )  # fmt: skip
