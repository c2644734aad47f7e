"""Case report forms with a typed table each, lesions, and the reference standard that is derived from them."""

from studyportal.clinical.models.forms import Form, Reconciliation, SecondEntry
from studyportal.clinical.models.records import (
    RECORDS,
    Baseline,
    Conclusion,
    FollowUp,
    LesionRow,
    NodeRow,
    OrganRow,
    Record,
    SpecimenRow,
    Staging,
    TreatmentRow,
)
from studyportal.clinical.models.reference import Lesion, ReferenceStandard

__all__ = [
    "RECORDS",
    "Baseline",
    "Conclusion",
    "FollowUp",
    "Form",
    "Lesion",
    "LesionRow",
    "NodeRow",
    "OrganRow",
    "Reconciliation",
    "Record",
    "ReferenceStandard",
    "SecondEntry",
    "SpecimenRow",
    "Staging",
    "TreatmentRow",
]
