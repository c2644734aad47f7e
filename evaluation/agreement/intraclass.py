"""The six intraclass correlation coefficients of Shrout and Fleiss."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from evaluation.statistics import DEFAULT_LEVEL, Estimate, not_estimable, require_level


@dataclass(frozen=True)
class IntraclassForm:
    """One form: ``name`` of Shrout and Fleiss, its F test and the estimate."""

    name: str
    estimate: Estimate
    f: float | None
    df1: int
    df2: int
    p_value: float | None


@dataclass(frozen=True)
class _Squares:
    n: int
    k: int
    rows: float
    columns: float
    within: float
    error: float


def icc(ratings: ArrayLike, *, level: float = DEFAULT_LEVEL) -> dict[str, IntraclassForm]:
    """Return ICC1, ICC2, ICC3, ICC1k, ICC2k and ICC3k of a table of ratings.

    Parameters
    ----------
    ratings
        Shape (participants, raters); rows with NaN are left out and counted as missing. ICC2 is
        McGraw and Wong's ICC(A,1), two-way absolute agreement; ICC3 is ICC(C,1), consistency.

    Raises
    ------
    ValueError
        If the table is not two-dimensional.

    Notes
    -----
    Shrout PE, Fleiss JL, Psychol Bull 1979;86:420; intervals by McGraw and Wong, Psychol Methods
    1996;1:30.
    """
    require_level(level)
    table = np.asarray(ratings, dtype=float)
    if table.ndim != 2:
        raise ValueError("ratings must have the shape (participants, raters)")
    complete = table[np.isfinite(table).all(axis=1)]
    missing = len(table) - len(complete)
    n, k = complete.shape
    squares = _squares(complete) if n >= 2 and k >= 2 else None
    if squares is None or squares.rows + squares.within == 0:
        reason = "fewer than two participants or raters" if squares is None else "all equal"
        none = not_estimable(reason, level=level, n=n, clusters=n, missing=missing, method="ICC")
        return {name: IntraclassForm(name, none, None, 0, 0, None) for name in _NAMES}
    return _one_way(squares, level, missing) | _two_way(squares, level, missing)


_NAMES = ("ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k")


def _squares(table: np.ndarray) -> _Squares:
    n, k = table.shape
    grand = table.mean()
    rows = k * float(np.sum((table.mean(axis=1) - grand) ** 2))
    columns = n * float(np.sum((table.mean(axis=0) - grand) ** 2))
    total = float(np.sum((table - grand) ** 2))
    error = max(0.0, total - rows - columns)
    return _Squares(
        n, k, rows / (n - 1), columns / (k - 1), (total - rows) / (n * (k - 1)),
        error / ((n - 1) * (k - 1)),
    )  # fmt: skip


def _one_way(s: _Squares, level: float, missing: int) -> dict[str, IntraclassForm]:
    df1, df2 = s.n - 1, s.n * (s.k - 1)
    single = (s.rows - s.within) / (s.rows + (s.k - 1) * s.within)
    average = (s.rows - s.within) / s.rows if s.rows > 0 else float("nan")
    return _f_forms(
        "1", s, s.within, values=(single, average), dfs=(df1, df2), level=level, missing=missing
    )


def _two_way(s: _Squares, level: float, missing: int) -> dict[str, IntraclassForm]:
    df1, df2 = s.n - 1, (s.n - 1) * (s.k - 1)
    single = (s.rows - s.error) / (s.rows + (s.k - 1) * s.error)
    average = (s.rows - s.error) / s.rows if s.rows > 0 else float("nan")
    forms = _f_forms(
        "3", s, s.error, values=(single, average), dfs=(df1, df2), level=level, missing=missing
    )
    return forms | _agreement_forms(s, level, missing)


def _f_forms(
    digit: str,
    s: _Squares,
    residual: float,
    *,
    values: tuple[float, float],
    dfs: tuple[int, int],
    level: float,
    missing: int,
) -> dict[str, IntraclassForm]:
    df1, df2 = dfs
    name = f"ICC{digit}"
    form = partial(_form, s=s, level=level, missing=missing)
    if residual == 0:
        none = (None, df1, df2)
        return {n: form(n, 1.0, None, test=none) for n in (name, f"{name}k")}
    f = s.rows / residual
    tail = 0.5 + level / 2
    low = f / float(stats.f.ppf(tail, df1, df2))
    high = f * float(stats.f.ppf(tail, df2, df1))
    single = ((low - 1) / (low + s.k - 1), (high - 1) / (high + s.k - 1))
    average = (1 - 1 / low, 1 - 1 / high) if low > 0 else None
    return {
        name: form(name, values[0], single, test=(f, df1, df2)),
        f"{name}k": form(f"{name}k", values[1], average, test=(f, df1, df2)),
    }


def _agreement_forms(s: _Squares, level: float, missing: int) -> dict[str, IntraclassForm]:
    n, k, dfs = s.n, s.k, (s.n - 1, (s.n - 1) * (s.k - 1))
    single = (s.rows - s.error) / (s.rows + (k - 1) * s.error + k * (s.columns - s.error) / n)
    average = (s.rows - s.error) / (s.rows + (s.columns - s.error) / n)
    f = s.rows / s.error if s.error > 0 else None
    bounds = _agreement_bounds(s, single, level) if f is not None else None
    spread = None
    if bounds is not None:
        low, high = bounds
        spread = (low * k / (1 + low * (k - 1)), high * k / (1 + high * (k - 1)))
    return {
        "ICC2": _form("ICC2", single, bounds, s=s, test=(f, *dfs), level=level, missing=missing),
        "ICC2k": _form("ICC2k", average, spread, s=s, test=(f, *dfs), level=level, missing=missing),
    }


def _agreement_bounds(s: _Squares, icc2: float, level: float) -> tuple[float, float]:
    """McGraw and Wong's interval with Satterthwaite's degrees of freedom."""
    n, k, tail = s.n, s.k, 0.5 + level / 2
    ratio = s.columns / s.error
    top = (k - 1) * (n - 1) * (k * icc2 * ratio + n * (1 + (k - 1) * icc2) - k * icc2) ** 2
    bottom = (n - 1) * k**2 * icc2**2 * ratio**2
    bottom += (n * (1 + (k - 1) * icc2) - k * icc2) ** 2
    v = top / bottom
    upper_f = float(stats.f.ppf(tail, n - 1, v))
    lower_f = float(stats.f.ppf(tail, v, n - 1))
    mean_error = k * s.columns + (k * n - k - n) * s.error
    low = n * (s.rows - upper_f * s.error) / (upper_f * mean_error + n * s.rows)
    high = n * (lower_f * s.rows - s.error) / (mean_error + n * lower_f * s.rows)
    return low, high


def _form(
    name: str,
    value: float,
    bounds: tuple[float, float] | None,
    *,
    s: _Squares,
    test: tuple[float | None, int, int],
    level: float,
    missing: int,
) -> IntraclassForm:
    f, df1, df2 = test
    lower, upper = bounds if bounds is not None else (None, None)
    estimate = Estimate(
        value, lower, upper, level, s.n, s.n, missing, f"{name}, F interval",
        flags=() if bounds is not None else ("no_interval",),
        reason="" if bounds is not None else "no residual variation: no interval",
    )  # fmt: skip
    p = None if f is None else float(stats.f.sf(f, df1, df2))
    return IntraclassForm(name, estimate, f, df1, df2, p)
