"""The mean of all observations with its variation within sites."""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaluation.statistics.estimates import (
    DEFAULT_LEVEL,
    Estimate,
    not_estimable,
    require_level,
)
from evaluation.statistics.grouping import group_codes, merge_single_clusters, strata_of_clusters
from evaluation.statistics.means import present
from evaluation.statistics.stratification import stratified

_Array = NDArray[np.float64]


def stratified_mean(
    values: ArrayLike,
    stratum: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    level: float = DEFAULT_LEVEL,
    unit: str = "",
) -> Estimate:
    """Estimate the mean of all observations from the variation within strata.

    The value is the plain mean. Its variance is ``sum (n_h / n)^2 var_h`` with the variance of each
    stratum's mean from its cluster sums of residuals, ``K / (K - 1) * sum((sum_i e)^2) / n_h^2``;
    the interval is Student's t with Satterthwaite's degrees of freedom (K - 1 in each stratum).

    Parameters
    ----------
    values
        Shape (n,); NaN counts as missing.
    stratum
        For example the site of each observation.
    cluster
        For example the participant of each observation; each observation its own where not given.

    Raises
    ------
    ValueError
        If a value is infinite, a label is missing or a cluster lies in two strata.

    Notes
    -----
    Strata with a single cluster show no variation: they are merged with each other or, if there is
    only one, with the smallest other stratum, and the result is flagged ``merged_strata``.

    Examples
    --------
    >>> e = stratified_mean([1.0, 2.0, 3.0, 11.0, 12.0, 13.0], list("aaabbb"))
    >>> e.value, round(e.lower, 3), e.n
    (7.0, 5.867, 6)
    """
    require_level(level)
    x, stratum, own, missing = _complete(values, stratum, cluster)
    labels, codes = group_codes(own, len(x))
    _, of_cluster = strata_of_clusters(stratum, codes, labels)
    name = "stratified, t" if len(labels) == len(x) else "stratified, cluster-robust t"
    blank = not_estimable(
        "no observation", level=level, n=len(x), clusters=len(labels), missing=missing,
        method=name, unit=unit,
    )  # fmt: skip
    if len(x) == 0:
        return blank
    if len(labels) == 1:
        reason = "one participant only: the variation between participants is unknown"
        return replace(blank, value=float(x.mean()), flags=("one_cluster",), reason=reason)
    strata, merged = merge_single_clusters(of_cluster)
    means, variances, sizes, df = _within(x, codes, strata)
    e = stratified(means, variances, sizes=sizes, level=level, n=len(x), df=df.tolist())
    marks = [flag for flag in e.flags if not flag.startswith("zero_variance")]
    flags = (*marks, "merged_strata") if merged else tuple(marks)
    return replace(
        blank, value=float(x.mean()), lower=e.lower, upper=e.upper, flags=flags, reason=""
    )


def _complete(
    values: ArrayLike, stratum: ArrayLike, cluster: ArrayLike | None
) -> tuple[_Array, NDArray, NDArray, int]:
    """Return values, strata and clusters without the gaps, and how many there were."""
    given, strata = np.asarray(values, dtype=float), np.asarray(stratum)
    own = np.arange(len(given)) if cluster is None else np.asarray(cluster)
    if not len(given) == len(own) == len(strata):
        raise ValueError("values, stratum and cluster must have the same length")
    x, missing = present(given)
    keep = ~np.isnan(given)
    return x, strata[keep], own[keep], missing


def _within(
    x: _Array, codes: NDArray[np.intp], of_cluster: NDArray[np.intp]
) -> tuple[_Array, _Array, _Array, _Array]:
    """Return mean, its variance, size and degrees of freedom of each stratum."""
    strata = of_cluster[codes]
    sizes = np.bincount(strata).astype(float)
    means = np.bincount(strata, weights=x) / sizes
    sums = np.bincount(codes, weights=x - means[strata])
    clusters = np.bincount(of_cluster).astype(float)
    squares = np.bincount(of_cluster, weights=sums**2)
    return means, clusters / (clusters - 1) * squares / sizes**2, sizes, clusters - 1
