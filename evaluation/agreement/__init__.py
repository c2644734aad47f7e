"""Agreement of two methods of measurement: limits, concordance, intraclass correlation."""

from evaluation.agreement.concordance import correlation, lin_ccc, weighted_ccc, within_tolerance
from evaluation.agreement.intraclass import IntraclassForm, icc
from evaluation.agreement.limits import BlandAltman, bland_altman

__all__ = [
    "BlandAltman",
    "IntraclassForm",
    "bland_altman",
    "correlation",
    "icc",
    "lin_ccc",
    "weighted_ccc",
    "within_tolerance",
]
