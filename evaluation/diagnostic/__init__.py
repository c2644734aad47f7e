"""Accuracy of index tests against the reference standard of a target condition."""

from evaluation.diagnostic.crosstabulation import Accuracy, accuracy
from evaluation.diagnostic.curves import RocCurve, auc, delong_test, roc
from evaluation.diagnostic.paired import (
    PairedAccuracy,
    clustered_mcnemar,
    compare_paired,
    mcnemar,
    tango_interval,
)

__all__ = [
    "Accuracy",
    "PairedAccuracy",
    "RocCurve",
    "accuracy",
    "auc",
    "clustered_mcnemar",
    "compare_paired",
    "delong_test",
    "mcnemar",
    "roc",
    "tango_interval",
]
