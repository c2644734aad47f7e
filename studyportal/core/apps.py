from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "studyportal.core"
    label = "core"
    verbose_name = "Core"
