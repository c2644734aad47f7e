from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from studyportal.core.models import AuditEvent, StatusChange, User


class ShownByRight(admin.ModelAdmin):
    """Shown to whom the table of the administration lets see it; Django's own flags decide nothing."""

    admin_site: Any  # the portal's own, which holds the table

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return bool(self.admin_site.may_see(request, self.model))

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class ReadOnlyAdmin(ShownByRight):
    """Seen here; changed through services, which keep the trail."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class PeopleAdmin(ShownByRight, UserAdmin):
    """People are added and changed here, and never deleted."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return self.has_view_permission(request)


admin.site.register(User, PeopleAdmin)
admin.site.register([AuditEvent, StatusChange], ReadOnlyAdmin)
