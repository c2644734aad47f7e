"""A classifier as data: its numbers in JSON, addressed by their SHA-256; nothing in it can run."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.classifiers.features import Feature

_SCHEMA = 1
KINDS = ("logistic", "forest")


class LeakError(ValueError):
    """A participant who developed the classifier is among those it should judge."""


@dataclass(frozen=True)
class Tree:
    """A decision tree: node 0 is the root; a node without children (-1) gives its probability."""

    feature: tuple[int, ...]
    threshold: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    probability: tuple[float, ...]


@dataclass(frozen=True)
class Classifier:
    """A trained classifier for one target condition in one unit.

    ``kind`` is ``logistic`` (standardised features, ``weights`` and ``intercept``) or ``forest`` (the
    mean of its trees); ``development`` are the codes of the participants it was trained on.
    """

    kind: str
    condition: str
    unit: str
    region: str
    features: tuple[Feature, ...]
    development: tuple[str, ...]
    means: tuple[float, ...] = ()
    scales: tuple[float, ...] = ()
    weights: tuple[float, ...] = ()
    intercept: float = 0.0
    trees: tuple[Tree, ...] = ()

    def probability(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability of the condition for features of shape (units, features); NaN where one is missing."""
        known = ~np.isnan(values).any(axis=1)
        found = np.full(len(values), np.nan)
        found[known] = (
            self._logistic(values[known])
            if self.kind == "logistic"
            else self._forest(values[known])
        )
        return found

    def _logistic(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        z = (values - np.array(self.means)) / np.array(self.scales)
        return np.asarray(1 / (1 + np.exp(-(z @ np.array(self.weights) + self.intercept))))

    def _forest(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        votes = [[_leaf(tree, row) for row in values] for tree in self.trees]
        return np.asarray(np.array(votes, dtype=float).reshape(len(self.trees), -1).mean(axis=0))


def to_json(classifier: Classifier) -> str:
    """Return the classifier as canonical JSON: the same classifier gives the same bytes."""
    stated = {"schema": _SCHEMA, **asdict(classifier)}
    return json.dumps(stated, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest_of(text: str) -> str:
    """Return the SHA-256 that locks a classifier."""
    return hashlib.sha256(text.encode()).hexdigest()


def from_json(text: str) -> Classifier:
    """Return the classifier of this JSON.

    Raises
    ------
    ValueError
        With a sentence, when it is no JSON, of another schema, or its parts do not fit together.
    """
    try:
        stated = json.loads(text)
        known = stated.pop("schema") == _SCHEMA
        found = _built(stated)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"this is no classifier: {error}") from error
    if not known:
        raise ValueError("this is no classifier: its schema is not known")
    _check(found)
    return found


def _built(stated: Mapping[str, Any]) -> Classifier:
    lists = {name: tuple(stated[name]) for name in ("development", "means", "scales", "weights")}
    features = tuple(Feature(**one) for one in stated["features"])
    trees = tuple(
        Tree(**{name: tuple(values) for name, values in one.items()}) for one in stated["trees"]
    )
    return Classifier(**{**stated, **lists, "features": features, "trees": trees})


def _check(found: Classifier) -> None:
    k = len(found.features)
    if found.kind not in KINDS:
        raise ValueError(f"this is no classifier: kind {found.kind!r} is not known")
    sizes = {len(found.means), len(found.scales), len(found.weights)}
    if found.kind == "logistic" and (sizes != {k} or min(found.scales) <= 0):
        raise ValueError("this is no classifier: weights, means, scales and features do not fit")
    if found.kind == "forest" and not found.trees:
        raise ValueError("this is no classifier: a forest without trees")
    for tree in found.trees:
        _check_tree(tree, k)
    if not math.isfinite(found.intercept) or not found.development:
        raise ValueError("this is no classifier: no development set, or no finite intercept")


def _check_tree(tree: Tree, features: int) -> None:
    n = len(tree.feature)
    same = {len(tree.threshold), len(tree.left), len(tree.right), len(tree.probability)} == {n}
    # A child stands after its parent, so that no walk goes round.
    sound = same and all(
        (left == right == -1) or (i < left < n and i < right < n and 0 <= f < features)
        for i, (left, right, f) in enumerate(zip(tree.left, tree.right, tree.feature, strict=True))
    )
    if not sound or not n:
        raise ValueError("this is no classifier: a tree whose nodes do not fit together")


def _leaf(tree: Tree, row: NDArray[np.float64]) -> float:
    at = 0
    while tree.left[at] != -1:
        # scikit-learn compares in single precision.
        below = np.float32(row[tree.feature[at]]) <= tree.threshold[at]
        at = tree.left[at] if below else tree.right[at]
    return tree.probability[at]
