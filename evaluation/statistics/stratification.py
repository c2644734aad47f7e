"""Site-stratified estimates: fixed weights, variation within strata only."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from evaluation.statistics.estimates import (
    DEFAULT_LEVEL,
    Estimate,
    not_estimable,
    require_level,
)

_Array = NDArray[np.float64]


@dataclass(frozen=True)
class _Strata:
    """What is known of each stratum; ``df`` is infinite where the normal distribution serves."""

    value: _Array
    variance: _Array
    size: _Array
    df: _Array
    flags: tuple[str, ...]


def stratified(  # noqa: PLR0913 - one method, its options keyword-only
    values: ArrayLike,
    variances: ArrayLike,
    *,
    sizes: ArrayLike,
    level: float = DEFAULT_LEVEL,
    unit: str = "",
    n: int | None = None,
    clusters: int | None = None,
    missing: int = 0,
    df: float | Sequence[float] | None = None,
    names: Sequence[str] | None = None,
) -> Estimate:
    """Estimate ``sum(w v)`` over strata with fixed weights ``w = sizes / sum(sizes)``.

    Parameters
    ----------
    values, variances
        Estimate and sampling variance of each stratum, shape (k,); NaN where there is none.
    sizes
        Weight of each stratum, for example its number of participants; positive.
    n, clusters
        Denominators of the result; the sum of ``sizes``, and ``n``, where not given.
    df
        None for the normal distribution, one number for Student's t, or one number per stratum
        for Satterthwaite's ``(sum w^2 v)^2 / sum((w^2 v)^2 / df)``.
    names
        Names of the strata in the flags; their places, from 0, where not given.

    Raises
    ------
    ValueError
        If lengths differ, a size is not positive, a variance is negative or a number is infinite.

    Notes
    -----
    Two rules for gaps, each named in the flags. A stratum without a value is left out and the
    other weights are raised to sum 1 (``without_value:NAME``): the estimate then speaks for the
    other strata. A stratum with a value but no variance takes the variance of one observation
    pooled over the other strata, ``sum(size^2 v) / sum(size)``, divided by its own size, with the
    sum of their degrees of freedom (``variance_borrowed:NAME``). A variance of zero is taken as it is (``zero_variance:NAME``).

    Cochran WG, Sampling Techniques, 3rd ed. 1977, 5.3 (variance) and 5.4 (degrees of freedom).

    Examples
    --------
    >>> e = stratified([0.8, 0.9], [0.0016, 0.0009], sizes=[100, 300])
    >>> round(e.value, 3), round(e.lower, 3), round(e.upper, 3)
    (0.875, 0.827, 0.923)
    """
    require_level(level)
    strata = _checked(values, variances, sizes, df=df, names=names)
    total = round(float(np.sum(np.asarray(sizes, dtype=float)))) if n is None else n
    blank = not_estimable(
        "no stratum has a value", level=level, n=total, clusters=total if clusters is None else clusters,
        missing=missing, method="stratified, normal" if df is None else "stratified, t", unit=unit,
    )  # fmt: skip
    if len(strata.value) == 0:
        return replace(blank, flags=(*blank.flags, *strata.flags))
    w = strata.size / strata.size.sum()
    value, parts = float(np.sum(w * strata.value)), w**2 * strata.variance
    variance = float(parts.sum())
    if math.isnan(variance):
        flags = (*strata.flags, "no_interval")
        return replace(blank, value=value, flags=flags, reason="no stratum has a variance")
    freedom = (
        float(np.max(strata.df)) if df is None or np.ndim(df) == 0 else _freedom(parts, strata.df)
    )
    half = float(stats.t.ppf(0.5 + level / 2, freedom)) * math.sqrt(variance)
    flags = strata.flags if variance > 0 else (*strata.flags, "no_variation")
    return replace(
        blank, value=value, lower=value - half, upper=value + half, flags=flags, reason=""
    )


def _checked(
    values: ArrayLike,
    variances: ArrayLike,
    sizes: ArrayLike,
    *,
    df: float | Sequence[float] | None,
    names: Sequence[str] | None,
) -> _Strata:
    v, s2, size = (np.asarray(a, dtype=float) for a in (values, variances, sizes))
    dfs = np.broadcast_to(math.inf if df is None else np.asarray(df, dtype=float), v.shape)
    called = np.asarray([str(i) for i in range(v.size)] if names is None else list(names))
    if v.ndim != 1 or not v.shape == s2.shape == size.shape == called.shape:
        raise ValueError("values, variances and sizes must have the same length")
    if not np.all(np.isfinite(size) & (size > 0)):
        raise ValueError("each size must be a positive number")
    if np.isinf(v).any() or np.isinf(s2).any() or np.any(s2 < 0):
        raise ValueError("values must be finite and variances finite and not negative")
    if not np.all(dfs[~np.isnan(v + s2)] > 0):
        raise ValueError("degrees of freedom must be positive where there is a variance")
    without = np.isnan(v)
    flags = [f"without_value:{name}" for name in called[without]]
    v, s2, size, dfs, called = (a[~without] for a in (v, s2, size, dfs, called))
    flags += [f"variance_borrowed:{name}" for name in called[np.isnan(s2)]]
    flags += [f"zero_variance:{name}" for name in called[s2 == 0]]
    return _Strata(v, *_with_borrowed(s2, size, dfs), tuple(flags))


def _with_borrowed(s2: _Array, size: _Array, df: _Array) -> tuple[_Array, _Array, _Array]:
    """Return variances, sizes and degrees of freedom with the unknown variances filled in."""
    unknown = np.isnan(s2)
    if not unknown.any() or unknown.all():
        return s2, size, df
    n, known = size[~unknown], s2[~unknown]
    of_one = float(np.sum(n**2 * known) / np.sum(n))
    pooled = float(np.sum(df[~unknown]))
    return np.where(unknown, of_one / size, s2), size, np.where(unknown, pooled, df)


def _freedom(parts: _Array, df: _Array) -> float:
    """Return Satterthwaite's degrees of freedom of a sum of independent variances."""
    spread = float(np.sum(parts**2 / df))
    return float(parts.sum()) ** 2 / spread if spread > 0 else math.inf
