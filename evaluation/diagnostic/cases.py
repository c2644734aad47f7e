"""Complete observations of a diagnostic question, checked once for every function."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaluation.statistics import group_codes

NO_OBSERVATION = "no observation with both a reference standard and a result of the index test"
NO_NEGATIVE = "every observation has the target condition: there is no negative case"
NO_POSITIVE = "no observation has the target condition"


@dataclass(frozen=True)
class Cases:
    """Observations without a gap.

    ``truth`` has shape (n,), ``values`` (k, n): one row for each score or call; ``codes`` number
    the clusters 0, 1, ...; ``strata`` holds the stratum's label of each observation, if any.
    """

    truth: NDArray[np.bool_]
    values: NDArray[np.float64]
    codes: NDArray[np.intp]
    clusters: int
    missing: int
    strata: NDArray | None = None

    @property
    def n(self) -> int:
        """Number of observations."""
        return len(self.truth)

    @property
    def clustered(self) -> bool:
        """True when a cluster holds more than one observation."""
        return self.clusters < len(self.truth)

    @property
    def reason(self) -> str:
        """Why the two classes cannot be compared, in words; empty when they can."""
        if len(self.truth) == 0:
            return NO_OBSERVATION
        if self.truth.all():
            return NO_NEGATIVE
        return "" if self.truth.any() else NO_POSITIVE


def complete_cases(
    truth: ArrayLike,
    values: Sequence[ArrayLike],
    *,
    cluster: ArrayLike | None = None,
    strata: ArrayLike | None = None,
) -> Cases:
    """Leave out observations with a NaN in truth or any value, and count them.

    Raises
    ------
    ValueError
        If lengths differ, truth is neither 0, 1 nor NaN, a value is infinite, a label of a
        participant or stratum is missing, or a participant belongs to two strata.
    """
    y = np.asarray(truth, dtype=float)
    rows = [np.asarray(value, dtype=float) for value in values]
    if y.ndim != 1 or any(row.shape != y.shape for row in rows):
        raise ValueError("truth and results must have the same length")
    x = np.stack(rows)
    if np.isinf(x).any():
        raise ValueError("a result is infinite: record it as missing, with its reason")
    keep = ~(np.isnan(y) | np.isnan(x).any(axis=0))
    require_binary("truth", y)
    codes, clusters = _clusters(cluster, keep)
    kept = None
    if strata is not None:
        labels, of_stratum = group_codes(strata, len(y), what="stratum")
        kept = labels[of_stratum[keep]]
        _require_nested(codes, of_stratum[keep])
    return Cases(y[keep] == 1, x[:, keep], codes, clusters, int((~keep).sum()), kept)


def require_binary(name: str, values: NDArray[np.float64]) -> None:
    """Refuse codes other than 0, 1 and NaN."""
    if not ((values == 0) | (values == 1) | np.isnan(values)).all():
        raise ValueError(f"{name} must be 0 or 1, NaN where missing or indeterminate")


def _clusters(cluster: ArrayLike | None, keep: NDArray[np.bool_]) -> tuple[NDArray[np.intp], int]:
    if cluster is None:
        n = int(keep.sum())
        return np.arange(n), n
    codes = group_codes(cluster, len(keep))[1][keep]
    present = np.bincount(codes) > 0
    return (np.cumsum(present) - 1)[codes], int(present.sum())


def _require_nested(codes: NDArray[np.intp], strata: NDArray[np.intp]) -> None:
    first = np.unique(codes, return_index=True)[1]
    if (strata[first][codes] != strata).any():
        raise ValueError("a participant belongs to two strata: strata must hold whole participants")
