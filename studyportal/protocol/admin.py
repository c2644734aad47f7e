from django.contrib import admin

from studyportal.core.admin import TrailAdmin
from studyportal.protocol.models import ProtocolVersion


@admin.register(ProtocolVersion)
class ProtocolVersionAdmin(TrailAdmin):
    list_display = ("registry_number", "version", "status", "loaded_at")
    date_hierarchy = None
