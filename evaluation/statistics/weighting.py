"""Statistics of weighted observations, as the bootstrap needs them: one row of weights a replicate."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_Array = NDArray[np.float64]

WeightedStatistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Takes weights of shape (replicates, n), gives the statistic of each row, shape (replicates,)."""


@dataclass(frozen=True)
class SumStatistic:
    """A statistic that sees the observations only through sums: means, ratios, variances.

    The bootstrap then works on one row of sums per cluster and never expands to n weights, which
    makes 2,000 replicates of 10,000 clusters a matter of tenths of a second.

    Attributes
    ----------
    terms
        What is summed, shape (n, s): column by column.
    combine
        Takes sums of shape (replicates, s), gives the statistic of each row, shape (replicates,).

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 6.0])
    >>> mean = SumStatistic(np.stack([np.ones(3), x], axis=1), lambda s: s[:, 1] / s[:, 0])
    >>> mean(np.ones((1, 3))).tolist()
    [3.0]
    """

    terms: _Array
    combine: WeightedStatistic

    def __call__(self, weights: _Array) -> _Array:
        """Return the statistic of each row of weights."""
        return self.combine(weighted_sums(weights, self.terms))


def weighted_sums(weights: _Array, terms: _Array) -> _Array:
    """Return the weighted sum of each column for each row of weights, shape (replicates, s).

    Not a matrix product: BLAS rounds a row differently when it stands among other rows.
    """
    return np.stack([np.einsum("rn,n->r", weights, column) for column in terms.T.copy()], axis=1)
