from django.contrib import admin

from studyportal.core.admin import TrailAdmin
from studyportal.sites.models import Membership, Site


@admin.register(Site, Membership)
class ReadOnlyAdmin(TrailAdmin):
    """Seen here; changed through services, which keep the trail."""

    list_display = ("__str__",)
    date_hierarchy = None
