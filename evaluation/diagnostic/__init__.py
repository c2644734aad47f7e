"""Accuracy of index tests against the reference standard of a target condition."""

from evaluation.diagnostic.added_value import (
    AddedValue,
    NetBenefitGain,
    Reclassified,
    added_value,
)
from evaluation.diagnostic.bands import RocPoints
from evaluation.diagnostic.calibration import (
    BrierParts,
    Calibration,
    CalibrationPoint,
    calibration,
)
from evaluation.diagnostic.calls import INDETERMINATE
from evaluation.diagnostic.compared_areas import compare_auc
from evaluation.diagnostic.cross_validation import CrossValidatedRisk, cross_validated_risk
from evaluation.diagnostic.crosstabulation import AccuracyTable, accuracy_table
from evaluation.diagnostic.curves import Roc, auc, roc
from evaluation.diagnostic.decision import NetBenefit, net_benefit
from evaluation.diagnostic.margin import NonInferiority, non_inferiority
from evaluation.diagnostic.mcnemar import clustered_mcnemar, mcnemar, tango_interval
from evaluation.diagnostic.paired import PairedAccuracy, compare_paired
from evaluation.diagnostic.resampling import cluster_bootstrap
from evaluation.diagnostic.verification import VerificationCorrected, begg_greenes

__all__ = [
    "INDETERMINATE",
    "AccuracyTable",
    "AddedValue",
    "BrierParts",
    "Calibration",
    "CalibrationPoint",
    "CrossValidatedRisk",
    "NetBenefit",
    "NetBenefitGain",
    "NonInferiority",
    "PairedAccuracy",
    "Reclassified",
    "Roc",
    "RocPoints",
    "VerificationCorrected",
    "accuracy_table",
    "added_value",
    "auc",
    "begg_greenes",
    "calibration",
    "cluster_bootstrap",
    "clustered_mcnemar",
    "compare_auc",
    "compare_paired",
    "cross_validated_risk",
    "mcnemar",
    "net_benefit",
    "non_inferiority",
    "roc",
    "tango_interval",
]
