"""Accuracy over imputed reference standards: proportions and areas of m tables at once."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from evaluation.analysis.heterogeneity import as_share
from evaluation.statistics import (
    Estimate,
    areas_from_placements,
    not_estimable,
    placement_values,
    rubin,
)

_Array = NDArray[np.float64]
_Role = Callable[[_Array, _Array], _Array]

_ROLES: dict[str, tuple[_Role, _Role]] = {
    "sensitivity": (lambda t, c: t * c, lambda t, c: t + 0 * c),
    "specificity": (lambda t, c: (1 - t) * (1 - c), lambda t, c: 1 - t + 0 * c),
    "ppv": (lambda t, c: t * c, lambda t, c: c + 0 * t),
    "npv": (lambda t, c: (1 - t) * (1 - c), lambda t, c: 1 - c + 0 * t),
}
"""Success and denominator of each proportion, from truth and call."""


@dataclass(frozen=True, eq=False)
class Completed:
    """Observations of one test with a result, their verdicts completed m times.

    ``truth`` has shape (n,), NaN where imputed; ``verdicts`` has shape (m, u) for the observations
    at ``imputed`` (u,); ``codes`` number the participants 0, 1, ...
    """

    truth: _Array
    codes: NDArray[np.intp]
    imputed: NDArray[np.intp]
    verdicts: _Array

    @property
    def clusters(self) -> int:
        """Number of participants."""
        return int(self.codes.max()) + 1 if len(self.codes) else 0


@dataclass(frozen=True, eq=False)
class Pooling:
    """Estimates of m completed tables on the logit scale, with their variances."""

    values: _Array
    variances: _Array
    n: int
    clusters: int
    missing: int
    reason: str = ""

    def estimate(self, level: float) -> Estimate:
        """Return the estimate by Rubin's rules, back on the scale of a proportion."""
        if self.reason:
            return not_estimable(
                self.reason, level=level, n=self.n, clusters=self.clusters, missing=self.missing,
                method="Rubin's rules",
            )  # fmt: skip
        pooled = rubin(
            self.values, self.variances, n=self.n, clusters=self.clusters, missing=self.missing,
            complete_df=self.clusters - 1, level=level,
        )  # fmt: skip
        share = pooled.fraction_missing or 0.0
        e = as_share(pooled.estimate)
        return replace(e, method=f"{e.method}, fraction of missing information {share:.3f}")


def share_pooling(tables: Completed, call: _Array, name: str) -> Pooling:
    """Return sensitivity, specificity, ppv or npv of each completed table, clusters respected."""
    known = ~np.isnan(tables.truth)
    touched, place = np.unique(tables.codes[tables.imputed], return_inverse=True)
    sums = []
    for role in _ROLES[name]:
        base = np.bincount(
            tables.codes[known], weights=role(tables.truth[known], call[known]),
            minlength=tables.clusters,
        )  # fmt: skip
        drawn = role(tables.verdicts, call[tables.imputed][None, :])
        sums.append((base, base[touched] + _by_cluster(drawn, place, len(touched))))
    (x0, x), (m0, m) = sums
    rest = np.ones(tables.clusters, dtype=bool)
    rest[touched] = False
    a, b = x0[rest], m0[rest]
    total = b.sum() + m.sum(axis=1)
    clusters = (b > 0).sum() + (m > 0).sum(axis=1)
    if (total == 0).any():
        return _without(tables, "an imputed table has an empty denominator")
    p = (a.sum() + x.sum(axis=1)) / total
    if (clusters < 2).any() or ((p == 0) | (p == 1)).any():
        return _without(tables, "an imputed table has a proportion of 0 or 1, or one participant")
    squares = (a**2).sum() - 2 * p * (a * b).sum() + p**2 * (b**2).sum()
    squares = squares + ((x - p[:, None] * m) ** 2).sum(axis=1)
    variance = clusters / (clusters - 1) * squares / total**2
    return _on_logit(tables, p, variance, n=round(float(total.mean())))


def area_pooling(tables: Completed, score: _Array, stratum: NDArray[np.intp]) -> Pooling:
    """Return the area of each completed table, from pairs within a stratum only."""
    order = np.argsort(score, kind="stable")  # sorted once: the verdicts change, the scores do not
    place = np.empty(len(score), dtype=np.intp)
    place[order] = np.arange(len(score))
    s, codes, h = score[order], tables.codes[order], stratum[order]
    strata = [np.flatnonzero(h == k) for k in np.unique(h)]
    found = []
    drawn = tables.verdicts if len(tables.imputed) else tables.verdicts[:1]
    for verdicts in drawn:
        truth = tables.truth[order].copy()
        truth[place[tables.imputed]] = verdicts
        found.append(_stratified_area(truth == 1, s, codes, strata))
    value, variance = np.array(found).T.repeat(len(tables.verdicts) // len(drawn), axis=1)
    if not (np.isfinite(value) & (value > 0) & (value < 1) & (variance > 0)).all():
        return _without(tables, "an imputed table has no area with a variance")
    return _on_logit(tables, value, variance, n=len(score))


def _stratified_area(
    truth: NDArray[np.bool_], score: _Array, codes: NDArray[np.intp], strata: list[NDArray[np.intp]]
) -> tuple[float, float]:
    parts = []
    for at in strata:
        y = truth[at]
        if y.any() and not y.all():
            u, v = placement_values(y, score[at])
            own = areas_from_placements(u[None, :], v[None, :], y, codes[at])
            parts.append((y.sum(), own.value[0], own.covariance[0, 0]))
    if not parts:
        return np.nan, np.nan
    size, value, variance = np.array(parts, dtype=float).T
    weights = size / size.sum()
    return float(weights @ value), float(weights**2 @ variance)


def _by_cluster(drawn: _Array, place: NDArray[np.intp], clusters: int) -> _Array:
    """Return sums over the imputed observations of each touched cluster, shape (m, clusters)."""
    m = len(drawn)
    at = (np.arange(m)[:, None] * clusters + place[None, :]).ravel()
    summed = np.bincount(at, weights=drawn.ravel(), minlength=m * clusters)
    return np.asarray(summed.reshape(m, clusters))


def _on_logit(tables: Completed, p: _Array, variance: _Array, *, n: int) -> Pooling:
    return Pooling(
        special.logit(p), variance / (p * (1 - p)) ** 2, n, tables.clusters, len(tables.imputed)
    )


def _without(tables: Completed, reason: str) -> Pooling:
    nothing = np.array([])
    return Pooling(
        nothing, nothing, len(tables.truth), tables.clusters, len(tables.imputed), reason
    )
