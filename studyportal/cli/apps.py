from django.apps import AppConfig


class CliConfig(AppConfig):
    name = "studyportal.cli"
    label = "cli"
