from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from studyportal.core.models import AuditEvent, StatusChange, User


class ReadOnlyAdmin(admin.ModelAdmin):
    """Seen here; changed through services, which keep the trail."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


admin.site.register(User, UserAdmin)
admin.site.register([AuditEvent, StatusChange], ReadOnlyAdmin)
