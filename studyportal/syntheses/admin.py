from django.contrib import admin

from studyportal.core.admin import TrailAdmin
from studyportal.syntheses.models import JobAttempt, ModelRelease, SynthesisJob, SyntheticSeries


@admin.register(ModelRelease, SynthesisJob, JobAttempt, SyntheticSeries)
class ReadOnlyAdmin(TrailAdmin):
    """Seen here; changed through services, which keep the trail."""

    list_display = ("__str__",)
    date_hierarchy = None
