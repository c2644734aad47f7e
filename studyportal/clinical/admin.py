from django.contrib import admin

from studyportal.clinical.models import (
    RECORDS,
    Form,
    FormUnlock,
    Lesion,
    Reconciliation,
    ReferenceStandard,
    SampledParticipant,
    SamplingPlan,
    SecondEntry,
    Signature,
)
from studyportal.core.admin import ReadOnlyAdmin

admin.site.register(
    [
        Form,
        FormUnlock,
        Lesion,
        ReferenceStandard,
        SampledParticipant,
        SamplingPlan,
        SecondEntry,
        Signature,
        Reconciliation,
        *RECORDS.values(),
    ],
    ReadOnlyAdmin,
)
