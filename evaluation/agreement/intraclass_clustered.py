"""Intraclass correlations when participants have several rows: a bootstrap over participants."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from evaluation.statistics import Estimate, SumStatistic, bootstrap

_Array = NDArray[np.float64]


def clustered_form(
    name: str, table: _Array, codes: NDArray[np.intp], *, seed: int, replicates: int, level: float
) -> Estimate:
    """Return one form with an interval that draws whole participants.

    The mean squares of a draw follow from sums: of row means and their squares, of all squares and
    of each rater's ratings.
    """
    centred = table - table.mean()  # keeps the second moments free of cancellation
    means = centred.mean(axis=1)
    squares = np.sum(centred**2, axis=1)
    terms = np.column_stack([np.ones(len(table)), means, means**2, squares, centred])
    statistic = SumStatistic(terms, partial(_form_of_sums, name, table.shape[1]))
    return bootstrap(statistic, codes, seed=seed, replicates=replicates, level=level)


def _form_of_sums(name: str, k: int, sums: _Array) -> _Array:
    n, mean, mean2, squares = sums[:, :4].T
    grand = k * mean**2 / n
    rows = k * mean2 - grand
    columns = np.sum(sums[:, 4:] ** 2, axis=1) / n - grand
    total = squares - grand
    r, c = rows / (n - 1), columns / (k - 1)
    w = (total - rows) / (n * (k - 1))
    e = (total - rows - columns) / ((n - 1) * (k - 1))
    residual = w if name.startswith("ICC1") else e
    raters = (c - e) / n if name.startswith("ICC2") else 0.0
    # Averages of k ratings keep the same excess over a k-th of the rest.
    scale = r + raters if name.endswith("k") else r + (k - 1) * residual + k * raters
    return np.divide(r - residual, scale, out=np.full(len(n), np.nan), where=scale > 0)
