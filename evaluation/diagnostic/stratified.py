"""Areas within strata, so that a different case mix between sites does not create an area."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.diagnostic.cases import Cases
from evaluation.diagnostic.robust import distinct
from evaluation.statistics import Areas, areas_from_placements, placement_values

_Array = NDArray[np.float64]
Placements = Callable[[NDArray[np.bool_], _Array], tuple[_Array, _Array]]
"""Gives the placement values of positives and of negatives for one score."""


@dataclass(frozen=True)
class JoinedAreas:
    """Areas over all strata (or of the one that there is), with the marks the result must carry."""

    areas: Areas
    n: int
    clusters: int
    flags: tuple[str, ...] = ()
    reason: str = ""


def joined_areas(cases: Cases, placements: Placements = placement_values) -> JoinedAreas:
    """Return the areas of k scores; with strata, pairs are formed within a stratum only.

    The area is the mean placement of all positives among the negatives of their own stratum, so a
    stratum weighs by its positives (Janes H, Pepe MS, Biometrika 2009;96:371). The variance adds
    those of the strata with these weights held fixed.

    A stratum without both classes has no pair: it is left out and named in ``without_value:``. A
    stratum without a variance of its own (a single case, or complete separation, where DeLong's is
    zero) borrows that of the others, scaled to its numbers, and is named in ``variance_borrowed:``.
    """
    if cases.strata is None:
        return JoinedAreas(
            _areas(cases, np.ones(cases.n, dtype=bool), placements), cases.n, cases.clusters
        )
    labels = np.unique(cases.strata)
    rows = {label: cases.strata == label for label in labels.tolist()}
    usable = {k: v for k, v in rows.items() if 0 < cases.truth[v].sum() < v.sum()}
    flags = tuple(f"without_value:{label}" for label in rows if label not in usable)
    if not usable:
        return JoinedAreas(
            Areas(np.array([]), np.array([[]]), "none"), 0, 0, flags,
            "no stratum has both a positive and a negative case",
        )  # fmt: skip
    used = np.logical_or.reduce(list(usable.values()))
    found = {label: _areas(cases, at, placements) for label, at in usable.items()}
    positives = np.array([cases.truth[at].sum() for at in usable.values()], dtype=float)
    weights = positives / positives.sum()
    covariances, borrowed = _with_borrowed(cases, usable, found)
    areas = Areas(
        np.asarray(sum(w * a.value for w, a in zip(weights, found.values(), strict=True))),
        np.asarray(sum(w**2 * c for w, c in zip(weights, covariances, strict=True))),
        f"stratified {_method(found)}",
    )
    return JoinedAreas(areas, int(used.sum()), distinct(cases.codes[used]), (*flags, *borrowed))


def _areas(cases: Cases, at: NDArray[np.bool_], placements: Placements) -> Areas:
    truth = cases.truth[at]
    both = [placements(truth, score[at]) for score in cases.values]
    u, v = (np.stack(rows) for rows in zip(*both, strict=True))
    return areas_from_placements(u, v, truth, cases.codes[at] if cases.clustered else None)


def _method(found: dict[str, Areas]) -> str:
    names = {a.method for a in found.values()}
    return "Obuchowski 1997" if "Obuchowski 1997" in names else names.pop()


def _with_borrowed(
    cases: Cases, usable: dict[str, NDArray[np.bool_]], found: dict[str, Areas]
) -> tuple[list[_Array], tuple[str, ...]]:
    """Return each stratum's covariance; one without takes the others', scaled by its numbers."""
    sizes = {label: _effective(cases.truth[at]) for label, at in usable.items()}
    own = {k: a.covariance for k, a in found.items() if np.all(np.diag(a.covariance) > 0)}
    if not own:
        return [a.covariance for a in found.values()], ()
    common = sum(c * sizes[k] for k, c in own.items()) / len(own)
    covariances = [own[k] if k in own else np.asarray(common / sizes[k]) for k in found]
    return covariances, tuple(f"variance_borrowed:{k}" for k in found if k not in own)


def _effective(truth: NDArray[np.bool_]) -> float:
    """Half the harmonic mean of the class sizes: the variance of an area falls about as 1 / it."""
    positives, negatives = int(truth.sum()), int((~truth).sum())
    return positives * negatives / (positives + negatives)
