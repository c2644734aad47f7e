from django.apps import AppConfig


class ClinicalConfig(AppConfig):
    name = "studyportal.clinical"
    label = "clinical"
    verbose_name = "Clinical facts"
