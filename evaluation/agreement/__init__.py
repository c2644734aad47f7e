"""Agreement of two methods of measurement: limits, concordance, intraclass correlation."""

from evaluation.agreement.association import correlation
from evaluation.agreement.concordance import lin_ccc, lin_ccc_each, weighted_ccc, within_tolerance
from evaluation.agreement.equivalence import equivalence
from evaluation.agreement.intraclass import IntraclassForm, icc
from evaluation.agreement.limits import BlandAltman, bland_altman
from evaluation.agreement.regression import MethodRegression, deming, passing_bablok

__all__ = [
    "BlandAltman",
    "IntraclassForm",
    "MethodRegression",
    "bland_altman",
    "correlation",
    "deming",
    "equivalence",
    "icc",
    "lin_ccc",
    "lin_ccc_each",
    "passing_bablok",
    "weighted_ccc",
    "within_tolerance",
]
