"""Several tests at once: adjusted p-values, the fixed sequence and families in sequence."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


def adjusted_p_values(p_values: ArrayLike, *, method: str = "holm") -> NDArray[np.float64]:
    """Return p-values adjusted for multiplicity, in the order given.

    Parameters
    ----------
    method
        ``bonferroni``, ``holm``, ``hochberg`` (family-wise error; Hochberg's needs tests that are
        independent or positively dependent), ``bh`` (Benjamini and Hochberg's false discovery
        rate) or ``by`` (Benjamini and Yekutieli's, under any dependence).

    Raises
    ------
    ValueError
        For a p-value outside [0, 1] or an unknown method.

    Notes
    -----
    Holm S, Scand J Stat 1979;6:65; Hochberg Y, Biometrika 1988;75:800; Benjamini Y, Hochberg Y, J R
    Stat Soc B 1995;57:289; Benjamini Y, Yekutieli D, Ann Stat 2001;29:1165.

    Examples
    --------
    >>> adjusted_p_values([0.01, 0.04]).tolist()
    [0.02, 0.04]
    """
    p = np.asarray(p_values, dtype=float)
    if p.ndim != 1 or not np.all((p >= 0) & (p <= 1)):
        raise ValueError("each p-value must lie between 0 and 1")
    if method not in _METHODS:
        raise ValueError(f"unknown method {method!r}: choose one of {', '.join(_METHODS)}")
    m, order = len(p), np.argsort(p, kind="stable")
    rank = np.arange(1, m + 1)
    factor = {
        "bonferroni": np.full(m, float(m)),
        "holm": m - rank + 1.0,
        "hochberg": m - rank + 1.0,
        "bh": m / rank,
        "by": m / rank * np.sum(1 / rank),
    }[method]
    raised = factor * p[order]
    if method == "holm":
        raised = np.maximum.accumulate(raised)
    else:
        raised = np.minimum.accumulate(raised[::-1])[::-1]
    adjusted = np.empty(m)
    adjusted[order] = np.minimum(raised, 1.0)
    return adjusted


_METHODS = ("bonferroni", "holm", "hochberg", "bh", "by")


def fixed_sequence(p_values: Sequence[float | None], *, alpha: float = 0.05) -> tuple[bool, ...]:
    """Return which hypotheses are rejected when each is tested only after all before it were.

    A test without a p-value (not estimable) stops the sequence. See `hierarchical` for families.

    Examples
    --------
    >>> fixed_sequence([0.01, 0.2, 0.001])
    (True, False, False)
    """
    return tuple(test.rejected for (test,) in hierarchical([[p] for p in p_values], alpha=alpha))


@dataclass(frozen=True)
class TestedHypothesis:
    """One hypothesis of a hierarchy: its p-value as it is, adjusted, and the verdict.

    ``reached`` is False where a family before it kept a hypothesis; ``adjusted`` is None where
    there is no p-value, or none in a family before.
    """

    p_value: float | None
    adjusted: float | None
    reached: bool
    rejected: bool


def hierarchical(
    families: Sequence[Sequence[float | None]], *, alpha: float = 0.05, method: str = "holm"
) -> tuple[tuple[TestedHypothesis, ...], ...]:
    """Test families of co-equal hypotheses one after the other.

    A family is tested when every hypothesis of all families before it was rejected, with the whole
    of alpha, adjusted within the family. Families of one are the fixed sequence.

    Parameters
    ----------
    families
        P-values in the order of testing; None for a test that is not estimable. Its family keeps
        it, so no later family is reached; the others of its family are adjusted as if its p-value
        were 1.
    method
        ``bonferroni``, ``holm`` or ``hochberg``, within each family.

    Raises
    ------
    ValueError
        For a p-value outside [0, 1], an empty family, another method or an alpha outside (0, 1).

    Notes
    -----
    Serial gatekeeping: Dmitrienko A, Tamhane AC, Pharm Stat 2007;6:171. An adjusted p-value is the
    largest of the family's own and those before it, so it is at most alpha where the hypothesis is
    rejected.

    Examples
    --------
    >>> first, second = hierarchical([[0.01, 0.04], [0.03]])
    >>> [test.adjusted for test in first], second[0].rejected
    ([0.02, 0.04], True)
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie strictly between 0 and 1, not {alpha!r}")
    if method not in {"bonferroni", "holm", "hochberg"}:
        raise ValueError(f"unknown method {method!r}: choose bonferroni, holm or hochberg")
    if any(len(family) == 0 for family in families):
        raise ValueError("a family needs at least one hypothesis")
    tested, floor = [], 0.0
    for family in families:
        own = adjusted_p_values([1.0 if p is None else p for p in family], method=method)
        raised = [max(floor, float(p)) for p in own]
        tested.append(
            tuple(_verdict(p, a, floor, alpha) for p, a in zip(family, raised, strict=True))
        )
        gap = any(p is None for p in family)
        floor = math.inf if gap or math.isinf(floor) else max(raised)
    return tuple(tested)


def _verdict(p: float | None, raised: float, floor: float, alpha: float) -> TestedHypothesis:
    reached = floor <= alpha
    known = p is not None and math.isfinite(floor)
    return TestedHypothesis(
        p, raised if known else None, reached, reached and p is not None and raised <= alpha
    )
