from django.contrib import admin

from studyportal.core.admin import ReadOnlyAdmin
from studyportal.participants.models import Consent, Disposition, EligibilityAssessment, Participant

admin.site.register([Participant, Consent, EligibilityAssessment, Disposition], ReadOnlyAdmin)
