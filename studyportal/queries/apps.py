from django.apps import AppConfig


class QueriesConfig(AppConfig):
    name = "studyportal.queries"
    label = "queries"
    verbose_name = "Data queries"
