"""Addresses of the portal."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

# The administration has no way in of its own: one signs in like everybody, second factor included.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # as django-allauth documents it

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v1/", include("studyportal.api.urls")),
    path("dicomweb/", include("studyportal.dicom.urls")),
    path("account/", include("studyportal.web.account_urls")),
    path("", include("studyportal.web.urls")),
]
