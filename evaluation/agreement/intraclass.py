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
        If the table is not two-dimensional or a rating is infinite.

    Notes
    -----
    Shrout PE, Fleiss JL, Psychol Bull 1979;86:420; intervals by McGraw and Wong, Psychol Methods
    1996;1:30.
    """
    require_level(level)
    table = np.asarray(ratings, dtype=float)
    if table.ndim != 2:
        raise ValueError("ratings must have the shape (participants, raters)")
    if np.isinf(table).any():
        row, column = (int(i) for i in np.argwhere(np.isinf(table))[0])
        raise ValueError(f"the rating of participant {row} by rater {column} is infinite")
    complete = table[~np.isnan(table).any(axis=1)]
    missing = len(table) - len(complete)
    n, k = complete.shape
    squares = _squares(complete) if n >= 2 and k >= 2 else None
    if squares is None or squares.rows + squares.within == 0:
        few = squares is None
        reason = "fewer than two participants or raters" if few else "all ratings are equal"
        none = not_estimable(reason, level=level, n=n, clusters=n, missing=missing, method="ICC")
        return {name: IntraclassForm(name, none, None, 0, 0, None) for name in _NAMES}
    return _one_way(squares, level, missing) | _two_way(squares, level, missing)


_Test = tuple[float | None, int, int]

_NAMES = ("ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k")


def _squares(table: np.ndarray) -> _Squares:
    """Return the mean squares, each summed from its own residuals: subtraction would cancel."""
    n, k = table.shape
    grand, of_rows, of_columns = table.mean(), table.mean(axis=1), table.mean(axis=0)
    # Residuals this small are rounding, as when one rater is another plus a constant.
    least = n * k * (64 * np.finfo(float).eps * float(np.abs(table).max())) ** 2
    sums = (
        k * float(np.sum((of_rows - grand) ** 2)),
        n * float(np.sum((of_columns - grand) ** 2)),
        float(np.sum((table - of_rows[:, None]) ** 2)),
        float(np.sum((table - of_rows[:, None] - of_columns + grand) ** 2)),
    )
    rows, columns, within, error = (0.0 if total <= least else total for total in sums)
    return _Squares(
        n, k, rows / (n - 1), columns / (k - 1), within / (n * (k - 1)),
        error / ((n - 1) * (k - 1)),
    )  # fmt: skip


def _one_way(s: _Squares, level: float, missing: int) -> dict[str, IntraclassForm]:
    test = (_ratio(s.rows, s.within), s.n - 1, s.n * (s.k - 1))
    return _f_forms("1", s, s.within, test=test, level=level, missing=missing)


def _two_way(s: _Squares, level: float, missing: int) -> dict[str, IntraclassForm]:
    test = (_ratio(s.rows, s.error), s.n - 1, (s.n - 1) * (s.k - 1))
    forms = _f_forms("3", s, s.error, test=test, level=level, missing=missing)
    return forms | _agreement_forms(s, test, level=level, missing=missing)


def _ratio(top: float, bottom: float) -> float | None:
    """Return the quotient; None unless the divisor is positive."""
    return top / bottom if bottom > 0 else None


def _f_forms(
    digit: str, s: _Squares, residual: float, *, test: _Test, level: float, missing: int
) -> dict[str, IntraclassForm]:
    """Return the single and the average form whose interval is that of an F ratio."""
    single = _ratio(s.rows - residual, s.rows + (s.k - 1) * residual)
    average = _ratio(s.rows - residual, s.rows)
    f, df1, df2 = test
    of_single = of_average = None
    if f is not None:
        tail = 0.5 + level / 2
        low = f / float(stats.f.ppf(tail, df1, df2))
        high = f * float(stats.f.ppf(tail, df2, df1))
        of_single = ((low - 1) / (low + s.k - 1), (high - 1) / (high + s.k - 1))
        of_average = (1 - 1 / low, 1 - 1 / high) if low > 0 else None
    form = partial(_form, s=s, test=test, level=level, missing=missing)
    name = f"ICC{digit}"
    return {
        name: form(name, single, of_single),
        f"{name}k": form(f"{name}k", average, of_average),
    }


def _agreement_forms(
    s: _Squares, test: _Test, *, level: float, missing: int
) -> dict[str, IntraclassForm]:
    n, k, top = s.n, s.k, s.rows - s.error
    raters = (s.columns - s.error) / n
    single = _ratio(top, s.rows + (k - 1) * s.error + k * raters)
    average = _ratio(top, s.rows + raters)
    of_single = of_average = None
    if single is not None and s.error > 0:
        of_single = _agreement_bounds(s, single, level)
        # Stepping up turns over where a bound lies below -1 / (k - 1).
        if all(1 + bound * (k - 1) > 0 for bound in of_single):
            low, high = (k * bound / (1 + bound * (k - 1)) for bound in of_single)
            of_average = (low, high)
    form = partial(_form, s=s, test=test, level=level, missing=missing)
    return {"ICC2": form("ICC2", single, of_single), "ICC2k": form("ICC2k", average, of_average)}


def _agreement_bounds(s: _Squares, icc2: float, level: float) -> tuple[float, float]:
    """McGraw and Wong's interval with Satterthwaite's degrees of freedom."""
    n, k, tail = s.n, s.k, 0.5 + level / 2
    ratio = s.columns / s.error
    rest = n * (1 + (k - 1) * icc2) - k * icc2
    bottom = (n - 1) * k**2 * icc2**2 * ratio**2 + rest**2
    v = (k - 1) * (n - 1) * (k * icc2 * ratio + rest) ** 2 / bottom
    upper_f = float(stats.f.ppf(tail, n - 1, v))
    lower_f = float(stats.f.ppf(tail, v, n - 1))
    mean_error = k * s.columns + (k * n - k - n) * s.error
    low = n * (s.rows - upper_f * s.error) / (upper_f * mean_error + n * s.rows)
    high = n * (lower_f * s.rows - s.error) / (mean_error + n * lower_f * s.rows)
    return low, high


def _form(
    name: str,
    value: float | None,
    bounds: tuple[float, float] | None,
    *,
    s: _Squares,
    test: _Test,
    level: float,
    missing: int,
) -> IntraclassForm:
    f, df1, df2 = test
    method = f"{name}, F interval"
    p = None if f is None else float(stats.f.sf(f, df1, df2))
    if value is None:
        none = not_estimable(
            "the ratings vary too little between participants for this form", level=level, n=s.n,
            clusters=s.n, missing=missing, method=method,
        )  # fmt: skip
        return IntraclassForm(name, none, f, df1, df2, p)
    lower, upper = bounds if bounds is not None else (None, None)
    reason = "" if bounds is not None else (
        "no residual variation: no interval" if f is None else "the interval has no lower end"
    )  # fmt: skip
    estimate = Estimate(
        value, lower, upper, level, s.n, s.n, missing, method,
        flags=() if bounds is not None else ("no_interval",), reason=reason,
    )  # fmt: skip
    return IntraclassForm(name, estimate, f, df1, df2, p)
