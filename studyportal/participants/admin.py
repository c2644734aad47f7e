from django.contrib import admin

from studyportal.core.admin import ReadOnlyAdmin
from studyportal.participants.models import (
    Consent,
    ConsentVersion,
    Declined,
    Disposition,
    EligibilityAssessment,
    EligibilityOverride,
    Participant,
    Withdrawal,
)

admin.site.register(
    [
        Participant,
        Consent,
        ConsentVersion,
        Declined,
        EligibilityAssessment,
        EligibilityOverride,
        Disposition,
        Withdrawal,
    ],
    ReadOnlyAdmin,
)
