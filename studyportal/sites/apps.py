from django.apps import AppConfig


class SitesConfig(AppConfig):
    name = "studyportal.sites"
    label = "sites"
    verbose_name = "Sites and people"
