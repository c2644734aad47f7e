"""Accuracy of index tests against the reference standard of a target condition."""

from evaluation.diagnostic.bands import RocPoints
from evaluation.diagnostic.compared_areas import compare_auc
from evaluation.diagnostic.crosstabulation import INDETERMINATE, AccuracyTable, accuracy_table
from evaluation.diagnostic.curves import Roc, auc, roc
from evaluation.diagnostic.paired import (
    PairedAccuracy,
    clustered_mcnemar,
    compare_paired,
    mcnemar,
    tango_interval,
)

__all__ = [
    "INDETERMINATE",
    "AccuracyTable",
    "PairedAccuracy",
    "Roc",
    "RocPoints",
    "accuracy_table",
    "auc",
    "clustered_mcnemar",
    "compare_auc",
    "compare_paired",
    "mcnemar",
    "roc",
    "tango_interval",
]
