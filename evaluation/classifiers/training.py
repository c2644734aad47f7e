"""Trains a classifier on a development set of participants and says how well it does on others."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, LeaveOneGroupOut
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from evaluation.classifiers.features import FEATURE_SETS, Feature, feature_table, matrix_of
from evaluation.classifiers.model import KINDS, Classifier, Tree
from evaluation.diagnostic import auc
from evaluation.statistics import Estimate

_Array = NDArray[np.float64]
FOLDS = 5
FEWEST = 10  # participants of each class: below, a fold may lack one


class TrainingError(ValueError):
    """The development set cannot train this classifier."""


@dataclass(frozen=True)
class Judged:
    """What a classifier judges: a target condition, its unit, and the prefix of the unit's regions."""

    condition: str
    unit: str
    region: str


@dataclass(frozen=True)
class Development:
    """A trained classifier and its cross-validated areas, participants as clusters.

    ``by_participant``: no participant in training and test at once; ``by_site``: each site judged by
    what the others taught, None with a single site. ``units`` were complete, ``left_out`` were not.
    """

    classifier: Classifier
    by_participant: Estimate
    by_site: Estimate | None
    participants: int
    units: int
    left_out: int


def train(
    measurements: pd.DataFrame, reference: pd.DataFrame, judged: Judged, *, features: str,
    participants: Iterable[str], kind: str = "logistic", seed: int = 0,
) -> Development:  # fmt: skip
    """Return a classifier of what is judged, trained on these participants and no others.

    Parameters
    ----------
    measurements, reference
        The tables of an analysis; rows of other participants are not looked at.
    features
        ``ct`` or ``ct_spet`` of `FEATURE_SETS`.
    kind
        ``logistic`` (L2, standardised features) or ``forest`` (200 trees of depth 4).

    Raises
    ------
    TrainingError
        When a word is not known, a participant is in no table, or too few have each verdict.
    """
    if features not in FEATURE_SETS or kind not in KINDS:
        raise TrainingError(
            f"features are one of {', '.join(FEATURE_SETS)}, kind of {', '.join(KINDS)}"
        )
    chosen = tuple(sorted(set(participants)))
    wanted = FEATURE_SETS[features]
    rows, left_out = _complete(_Tables(measurements, reference), chosen, wanted, judged)
    x, y = matrix_of(rows, wanted), rows["truth"].to_numpy(dtype=int)
    people, sites = rows["participant"].to_numpy(dtype=object), rows["site"].to_numpy(dtype=object)
    blank = _blank(kind, seed)
    folds = GroupKFold(n_splits=FOLDS).split(x, y, people)
    by_participant = _area(blank, x, y, folds=folds, people=people)
    by_site = None
    if len(set(sites)) > 1:
        by_site = _area(blank, x, y, folds=LeaveOneGroupOut().split(x, y, sites), people=people)
    whole = _blank(kind, seed).fit(x, y)
    blank_classifier = Classifier(
        kind, judged.condition, judged.unit, judged.region, wanted, chosen
    )
    classifier = _fitted(blank_classifier, whole)
    return Development(classifier, by_participant, by_site, len(set(people)), len(rows), left_out)


@dataclass(frozen=True, eq=False)
class _Tables:
    measurements: pd.DataFrame
    reference: pd.DataFrame


def _complete(
    tables: _Tables, chosen: tuple[str, ...], wanted: tuple[Feature, ...], judged: Judged
) -> tuple[pd.DataFrame, int]:
    measurements, reference = tables.measurements, tables.reference
    own = reference[
        (reference["target_condition"] == judged.condition) & (reference["unit"] == judged.unit)
        & reference["participant"].isin(chosen) & reference["status"].isin(["positive", "negative"])
    ]  # fmt: skip
    verdicts = own[["participant", "site", "unit_id"]].astype(str)
    verdicts = verdicts.assign(truth=(own["status"] == "positive").astype(int).to_numpy())
    known = measurements[measurements["participant"].isin(chosen)]
    rows = verdicts.merge(feature_table(known, wanted, region=judged.region), how="left",
                          on=["participant", "unit_id"])  # fmt: skip
    complete = ~np.isnan(matrix_of(rows, wanted)).any(axis=1)
    kept = rows[complete].sort_values(["participant", "unit_id"], ignore_index=True)
    for verdict, word in ((1, "positive"), (0, "negative")):
        count = kept.loc[kept["truth"] == verdict, "participant"].nunique()
        if count < FEWEST:
            raise TrainingError(
                f"{count} participants of the development set have a {word} unit with every feature, at least {FEWEST} are needed"
            )
    return kept, int((~complete).sum())


def _blank(kind: str, seed: int) -> Pipeline:
    if kind == "logistic":
        return make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=1000))
    forest = RandomForestClassifier(n_estimators=200, max_depth=4, random_state=seed, n_jobs=1)
    return make_pipeline(forest)


Folds = Iterable[tuple[NDArray[np.intp], NDArray[np.intp]]]


def _area(
    blank: Pipeline, x: _Array, y: NDArray[np.intp], *, folds: Folds, people: NDArray[np.object_]
) -> Estimate:
    """Everything that is fitted, the scaling too, is fitted anew without the units that are judged."""
    score = np.full(len(y), np.nan)
    for learn, judge in folds:
        if len(set(y[learn])) == 2:
            score[judge] = blank.fit(x[learn], y[learn]).predict_proba(x[judge])[:, 1]
    return auc(y.astype(float), score, cluster=pd.factorize(people)[0])


def _fitted(classifier: Classifier, whole: Pipeline) -> Classifier:
    """Return the classifier with the numbers of the fitted pipeline."""
    last = whole[-1]
    if isinstance(last, RandomForestClassifier):
        return replace(classifier, trees=tuple(_tree(one.tree_) for one in last.estimators_))
    scaler = whole[0]
    return replace(
        classifier, means=tuple(map(float, scaler.mean_)), scales=tuple(map(float, scaler.scale_)),
        weights=tuple(map(float, last.coef_[0])), intercept=float(last.intercept_[0]),
    )  # fmt: skip


def _tree(tree) -> Tree:  # type: ignore[no-untyped-def]  # an extension type of scikit-learn
    votes = tree.value[:, 0, :]
    return Tree(
        tuple(map(int, tree.feature)), tuple(map(float, tree.threshold)),
        tuple(map(int, tree.children_left)), tuple(map(int, tree.children_right)),
        tuple(map(float, votes[:, 1] / votes.sum(axis=1))),
    )  # fmt: skip
