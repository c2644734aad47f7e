"""Index tests that are classifiers: trained on a development set, locked as JSON, never on whom they judge."""

from evaluation.classifiers.features import FEATURE_SETS, Feature, feature_table
from evaluation.classifiers.model import Classifier, LeakError, digest_of, from_json, to_json
from evaluation.classifiers.scoring import scores_of
from evaluation.classifiers.training import Development, Judged, TrainingError, train

__all__ = [
    "FEATURE_SETS",
    "Classifier",
    "Development",
    "Feature",
    "Judged",
    "LeakError",
    "TrainingError",
    "digest_of",
    "feature_table",
    "from_json",
    "scores_of",
    "to_json",
    "train",
]
