"""Django's administration pages, with the portal's own table of rights in front of them."""

from django.contrib.admin.apps import AdminConfig


class AdministrationConfig(AdminConfig):
    default_site = "studyportal.web.administration.Administration"
