from django.contrib import admin

from studyportal.clinical.models import Baseline, Lesion, ReferenceStandard
from studyportal.core.admin import TrailAdmin


@admin.register(Baseline, Lesion, ReferenceStandard)
class ReadOnlyAdmin(TrailAdmin):
    """Seen here; changed through services, which keep the trail."""

    list_display = ("__str__",)
    date_hierarchy = None
