"""Several tests at once: adjusted p-values and the fixed sequence."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def adjusted_p_values(p_values: ArrayLike, *, method: str = "holm") -> NDArray[np.float64]:
    """Return p-values adjusted for multiplicity, in the order given.

    Parameters
    ----------
    method
        ``bonferroni``, ``holm``, ``hochberg`` (family-wise error) or ``bh`` (Benjamini and
        Hochberg's false discovery rate).

    Raises
    ------
    ValueError
        For a p-value outside [0, 1] or an unknown method.

    Examples
    --------
    >>> adjusted_p_values([0.01, 0.04]).tolist()
    [0.02, 0.04]
    """
    p = np.asarray(p_values, dtype=float)
    if not np.all((p >= 0) & (p <= 1)):
        raise ValueError("each p-value must lie between 0 and 1")
    m, order = len(p), np.argsort(p, kind="stable")
    rank, ordered = np.arange(1, m + 1), p[order]
    if method == "bonferroni":
        raised = ordered * m
    elif method == "holm":
        raised = np.maximum.accumulate((m - rank + 1) * ordered)
    elif method in {"hochberg", "bh"}:
        factor = (m - rank + 1) if method == "hochberg" else m / rank
        raised = np.minimum.accumulate((factor * ordered)[::-1])[::-1]
    else:
        raise ValueError(f"unknown method {method!r}: choose bonferroni, holm, hochberg or bh")
    adjusted = np.empty(m)
    adjusted[order] = np.minimum(raised, 1.0)
    return adjusted


def fixed_sequence(p_values: Sequence[float | None], *, alpha: float = 0.05) -> tuple[bool, ...]:
    """Return which hypotheses are rejected when each is tested only after all before it were.

    A test without a p-value (not estimable) stops the sequence.

    Examples
    --------
    >>> fixed_sequence([0.01, 0.2, 0.001])
    (True, False, False)
    """
    rejected, going = [], True
    for p in p_values:
        going = going and p is not None and p <= alpha
        rejected.append(going)
    return tuple(rejected)
