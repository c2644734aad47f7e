"""Scores of a locked classifier for the units of an evaluation, and the refusal to judge who developed it."""

import pandas as pd

from evaluation.analysis import Tables
from evaluation.classifiers.features import feature_table, matrix_of
from evaluation.classifiers.model import Classifier, LeakError


def scores_of(classifier: Classifier, tables: Tables, *, test: str, arm: str) -> pd.DataFrame:
    """Return rows of ``index_scores``: the probability for each unit with a reference verdict.

    A unit without every feature has no score: it counts as a missing result of the test.

    Raises
    ------
    LeakError
        When a participant of the tables was in the development set and has a verdict to judge.
    """
    r = tables.reference_standard
    own = r[(r["target_condition"] == classifier.condition) & (r["unit"] == classifier.unit)]
    units = own[["participant", "site", "unit_id"]].astype(str).reset_index(drop=True)
    leaked = sorted(set(units["participant"]) & set(classifier.development))
    if leaked:
        raise LeakError(
            f"{len(leaked)} participants, among them {leaked[0]}, developed the classifier {test}; it cannot judge them"
        )
    found = feature_table(tables.measurements, classifier.features, region=classifier.region)
    joined = units.merge(found, how="left", on=["participant", "unit_id"])
    probability = classifier.probability(matrix_of(joined, classifier.features))
    return units.assign(
        test=test, arm=arm, reader="", target_condition=classifier.condition, unit=classifier.unit,
        score=probability, indeterminate=False,
    )  # fmt: skip
