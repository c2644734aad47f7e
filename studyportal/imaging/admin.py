from django.contrib import admin

from studyportal.core.admin import TrailAdmin
from studyportal.imaging.models import Finding, ImagingSeries, ImagingStudy, OutlineSet, ScanPair


@admin.register(ScanPair, ImagingStudy, ImagingSeries, Finding, OutlineSet)
class ReadOnlyAdmin(TrailAdmin):
    """Seen here; changed through services, which keep the trail."""

    list_display = ("__str__",)
    date_hierarchy = None
