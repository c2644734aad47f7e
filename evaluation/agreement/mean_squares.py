"""Mean squares of a table of ratings, and McGraw and Wong's interval from them."""

from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class MeanSquares:
    """Mean squares of n rows by k raters: between rows, between raters, within rows, residual."""

    n: int
    k: int
    rows: float
    columns: float
    within: float
    error: float


def mean_squares(table: np.ndarray) -> MeanSquares:
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
    return MeanSquares(
        n, k, rows / (n - 1), columns / (k - 1), within / (n * (k - 1)),
        error / ((n - 1) * (k - 1)),
    )  # fmt: skip


def agreement_bounds(s: MeanSquares, icc2: float, level: float) -> tuple[float, float]:
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
