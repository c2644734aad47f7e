from django.apps import AppConfig


class ReadingConfig(AppConfig):
    name = "studyportal.reading"
    label = "reading"
    verbose_name = "Reading"
