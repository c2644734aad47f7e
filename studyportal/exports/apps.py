from django.apps import AppConfig


class ExportsConfig(AppConfig):
    name = "studyportal.exports"
    label = "exports"
    verbose_name = "Exports"
