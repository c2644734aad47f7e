from django.contrib import admin

from studyportal.core.admin import TrailAdmin
from studyportal.participants.models import Consent, Disposition, EligibilityAssessment, Participant


@admin.register(Participant, Consent, EligibilityAssessment, Disposition)
class ReadOnlyAdmin(TrailAdmin):
    """Seen here; changed through services, which keep the trail."""

    list_display = ("__str__",)
    date_hierarchy = None
