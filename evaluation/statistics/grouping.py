"""Labels of clusters and strata as codes, checked once for every method that groups."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

_Codes = NDArray[np.intp]


def group_codes(labels: ArrayLike, n: int, *, what: str = "cluster") -> tuple[NDArray, _Codes]:
    """Return the distinct labels in sorted order and the code of each observation.

    Raises
    ------
    ValueError
        If there is not one label for each of ``n`` observations, or a label is missing.
    """
    given = np.asarray(labels)
    if given.shape != (n,):
        raise ValueError(f"{what} needs one label for each of the {n} observations")
    gap = given != given if given.dtype.kind in "fc" else np.zeros(n, dtype=bool)  # NaN
    if given.dtype.kind == "O":
        gap = np.array([label is None or label != label for label in given], dtype=bool)
    if gap.any():
        raise ValueError(f"the {what} of observation {int(np.argmax(gap))} is missing")
    distinct, codes = np.unique(given, return_inverse=True)
    return distinct, codes.astype(np.intp)


def strata_of_clusters(
    stratum: ArrayLike, cluster_codes: _Codes, cluster_labels: NDArray
) -> tuple[NDArray, _Codes]:
    """Return the distinct strata and the stratum of each cluster, as codes.

    Raises
    ------
    ValueError
        If a cluster has observations in two strata: it could not be drawn within one.
    """
    strata, codes = group_codes(stratum, len(cluster_codes), what="stratum")
    of_cluster = np.zeros(len(cluster_labels), dtype=np.intp)
    of_cluster[cluster_codes] = codes
    astray = of_cluster[cluster_codes] != codes
    if astray.any():
        name = cluster_labels[cluster_codes[int(np.argmax(astray))]]
        raise ValueError(f"cluster {name!s} has observations in more than one stratum")
    return strata, of_cluster


def merge_single_clusters(of_cluster: _Codes) -> tuple[_Codes, bool]:
    """Return strata that hold two clusters or more wherever possible, and whether any was merged.

    A stratum with one cluster shows no variation. All such strata become one; if that is still a
    single cluster, it joins the smallest other stratum (the first of them, where sizes tie).
    """
    counts = np.bincount(of_cluster)
    single = np.flatnonzero(counts == 1)
    if len(single) == 0:
        return of_cluster, False
    merged = np.where(np.isin(of_cluster, single), single[0], of_cluster).astype(np.intp)
    others = np.flatnonzero(counts > 1)
    if len(single) == 1 and len(others):
        smallest = others[np.argmin(counts[others])]
        merged = np.where(merged == single[0], smallest, merged).astype(np.intp)
    happened = len(single) > 1 or len(others) > 0
    return np.unique(merged, return_inverse=True)[1].astype(np.intp), happened
