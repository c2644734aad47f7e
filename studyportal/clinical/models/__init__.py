"""Case report forms with a typed table each, their signatures, what is verified of them, lesions and reference standard."""

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
from studyportal.clinical.models.sampling import SampledParticipant, SamplingPlan
from studyportal.clinical.models.signatures import FormUnlock, Signature

__all__ = [
    "RECORDS",
    "Baseline",
    "Conclusion",
    "FollowUp",
    "Form",
    "FormUnlock",
    "Lesion",
    "LesionRow",
    "NodeRow",
    "OrganRow",
    "Reconciliation",
    "Record",
    "ReferenceStandard",
    "SampledParticipant",
    "SamplingPlan",
    "SecondEntry",
    "Signature",
    "SpecimenRow",
    "Staging",
    "TreatmentRow",
]
