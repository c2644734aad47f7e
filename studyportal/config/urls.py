"""Addresses of the portal."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v1/", include("studyportal.api.urls")),
    path("dicomweb/", include("studyportal.dicom.urls")),
    path("", include("studyportal.web.urls")),
]
