from django.apps import AppConfig


class OutcomesConfig(AppConfig):
    name = "studyportal.outcomes"
    label = "outcomes"
    verbose_name = "Outcomes"
