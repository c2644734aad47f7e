"""The six intraclass correlation coefficients of Shrout and Fleiss."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from evaluation.agreement.intraclass_clustered import clustered_form
from evaluation.agreement.mean_squares import MeanSquares, agreement_bounds, mean_squares
from evaluation.statistics import (
    DEFAULT_LEVEL,
    Estimate,
    group_codes,
    not_estimable,
    require_level,
)


@dataclass(frozen=True)
class IntraclassForm:
    """One form: ``name`` of Shrout and Fleiss, its F test and the estimate."""

    name: str
    estimate: Estimate
    f: float | None
    df1: int
    df2: int
    p_value: float | None


def icc(
    ratings: ArrayLike,
    *,
    subject: ArrayLike | None = None,
    seed: int | None = None,
    replicates: int = 2000,
    level: float = DEFAULT_LEVEL,
) -> dict[str, IntraclassForm]:
    """Return ICC1, ICC2, ICC3, ICC1k, ICC2k and ICC3k of a table of ratings.

    Parameters
    ----------
    ratings
        Shape (rows, raters), a row for example a lesion; rows with NaN are left out and counted as
        missing. ICC2 is McGraw and Wong's ICC(A,1), two-way absolute agreement; ICC3 is ICC(C,1),
        consistency.
    subject
        Participant of each row, where one may have several: then ``seed`` is required, intervals
        come from a cluster bootstrap and the F test, which would count each row as independent,
        has no p-value.

    Raises
    ------
    ValueError
        If the table is not two-dimensional, a rating is infinite or clustered rows come without a
        seed.

    Notes
    -----
    Shrout PE, Fleiss JL, Psychol Bull 1979;86:420; intervals by McGraw and Wong, Psychol Methods
    1996;1:30.

    Examples
    --------
    >>> table = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    >>> [round(form.estimate.value, 2) for form in icc(table).values()]
    [0.17, 0.44, 0.71, 0.91, 0.29, 0.62]
    """
    require_level(level)
    table = _checked(ratings)
    keep = ~np.isnan(table).any(axis=1)
    complete, missing = table[keep], int((~keep).sum())
    n, k = complete.shape
    own = np.arange(len(table)) if subject is None else np.asarray(subject)
    if len(own) != len(table):
        raise ValueError("subject needs one label for each row of ratings")
    labels, codes = group_codes(own[keep], n, what="subject")
    if len(labels) < n and seed is None:
        raise ValueError("several rows per participant: give a seed for the bootstrap")
    squares = mean_squares(complete) if len(labels) >= 2 and k >= 2 else None
    if squares is None or squares.rows + squares.within == 0:
        few = squares is None
        reason = "fewer than two participants or raters" if few else "all ratings are equal"
        none = not_estimable(
            reason, level=level, n=n, clusters=len(labels), missing=missing, method="ICC"
        )
        return {name: IntraclassForm(name, none, None, 0, 0, None) for name in _NAMES}
    forms = _one_way(squares, level, missing) | _two_way(squares, level, missing)
    if len(labels) == n or seed is None:
        return forms
    draw = partial(
        clustered_form, table=complete, codes=codes, seed=seed, replicates=replicates, level=level
    )
    return {name: _redrawn(form, draw(name)) for name, form in forms.items()}


def _checked(ratings: ArrayLike) -> np.ndarray:
    table = np.asarray(ratings, dtype=float)
    if table.ndim != 2:
        raise ValueError("ratings must have the shape (participants, raters)")
    if np.isinf(table).any():
        row, column = (int(i) for i in np.argwhere(np.isinf(table))[0])
        raise ValueError(f"the rating of participant {row} by rater {column} is infinite")
    return table


def _redrawn(form: IntraclassForm, drawn: Estimate) -> IntraclassForm:
    """Return the form with the interval of the bootstrap in place of its own."""
    e = replace(
        form.estimate, lower=drawn.lower, upper=drawn.upper, clusters=drawn.clusters,
        method=f"{form.name}, {drawn.method}", flags=drawn.flags, reason=drawn.reason,
    )  # fmt: skip
    if form.estimate.value is None:
        e = replace(form.estimate, clusters=drawn.clusters)
    return replace(form, estimate=e, p_value=None)


_Test = tuple[float | None, int, int]

_NAMES = ("ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k")


def _one_way(s: MeanSquares, level: float, missing: int) -> dict[str, IntraclassForm]:
    test = (_ratio(s.rows, s.within), s.n - 1, s.n * (s.k - 1))
    return _f_forms("1", s, s.within, test=test, level=level, missing=missing)


def _two_way(s: MeanSquares, level: float, missing: int) -> dict[str, IntraclassForm]:
    test = (_ratio(s.rows, s.error), s.n - 1, (s.n - 1) * (s.k - 1))
    forms = _f_forms("3", s, s.error, test=test, level=level, missing=missing)
    return forms | _agreement_forms(s, test, level=level, missing=missing)


def _ratio(top: float, bottom: float) -> float | None:
    """Return the quotient; None unless the divisor is positive."""
    return top / bottom if bottom > 0 else None


def _f_forms(
    digit: str, s: MeanSquares, residual: float, *, test: _Test, level: float, missing: int
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
    s: MeanSquares, test: _Test, *, level: float, missing: int
) -> dict[str, IntraclassForm]:
    n, k, top = s.n, s.k, s.rows - s.error
    raters = (s.columns - s.error) / n
    single = _ratio(top, s.rows + (k - 1) * s.error + k * raters)
    average = _ratio(top, s.rows + raters)
    of_single = of_average = None
    if single is not None and s.error > 0:
        of_single = agreement_bounds(s, single, level)
        # Stepping up turns over where a bound lies below -1 / (k - 1).
        if all(1 + bound * (k - 1) > 0 for bound in of_single):
            low, high = (k * bound / (1 + bound * (k - 1)) for bound in of_single)
            of_average = (low, high)
    form = partial(_form, s=s, test=test, level=level, missing=missing)
    return {"ICC2": form("ICC2", single, of_single), "ICC2k": form("ICC2k", average, of_average)}


def _form(
    name: str,
    value: float | None,
    bounds: tuple[float, float] | None,
    *,
    s: MeanSquares,
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
