from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from studyportal.core.models import AuditEvent, StatusChange, User

admin.site.register(User, UserAdmin)


@admin.register(AuditEvent, StatusChange)
class TrailAdmin(admin.ModelAdmin):
    """The trail is read here and changed nowhere."""

    list_display = ("at", "by", "__str__")
    date_hierarchy = "at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
