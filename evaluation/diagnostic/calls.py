"""Calls of an index test, read beside the reference standard; what is missing is counted."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaluation.diagnostic.cases import require_binary
from evaluation.statistics import group_codes

INDETERMINATE = 0.5
"""The call of an index test that was read but neither positive nor negative."""

_HANDLING = ("excluded", "positive", "negative", "wrong")


@dataclass(frozen=True)
class Calls:
    """Observations with both verdicts: the condition present, the test positive, the cluster."""

    truth: NDArray[np.bool_]
    called: NDArray[np.bool_]
    group: NDArray | None
    missing_reference: int
    missing_index: int
    indeterminate: tuple[int, int]
    left_out: int


def read_calls(
    truth: ArrayLike, call: ArrayLike, cluster: ArrayLike | None, indeterminate: str
) -> Calls:
    """Return the observations with both verdicts, indeterminate calls handled as asked."""
    if indeterminate not in _HANDLING:
        raise ValueError(
            f"unknown handling {indeterminate!r} of indeterminate calls: "
            f"choose one of {', '.join(_HANDLING)}"
        )
    y, c = np.asarray(truth, dtype=float), np.asarray(call, dtype=float)
    if y.ndim != 1 or c.shape != y.shape:
        raise ValueError("truth and call must have the same length")
    group = None if cluster is None else group_codes(cluster, len(y))[1]
    known, called = ~np.isnan(y), ~np.isnan(c)
    require_binary("truth", y)
    if not np.isin(c[called], (0.0, 1.0, INDETERMINATE)).all():
        raise ValueError("call must be 0, 1 or INDETERMINATE, NaN where missing")
    unclear = known & (c == INDETERMINATE)
    keep = known & called
    if indeterminate == "excluded":
        keep &= ~unclear
    as_call = {"positive": 1.0, "negative": 0.0, "excluded": np.nan}
    c = np.where(unclear, 1 - y if indeterminate == "wrong" else as_call[indeterminate], c)
    return Calls(
        y[keep] == 1, c[keep] == 1, None if group is None else group[keep],
        int((~known).sum()), int((known & ~called).sum()),
        (int((unclear & (y == 1)).sum()), int((unclear & (y == 0)).sum())), int((~keep).sum()),
    )  # fmt: skip
