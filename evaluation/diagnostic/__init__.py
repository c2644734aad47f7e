"""Accuracy of index tests against the reference standard of a target condition."""

from evaluation.diagnostic.crosstabulation import Accuracy, accuracy
from evaluation.diagnostic.curves import RocCurve, auc, delong_test, roc

__all__ = ["Accuracy", "RocCurve", "accuracy", "auc", "delong_test", "roc"]
