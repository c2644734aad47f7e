from django.apps import AppConfig


class SynthesesConfig(AppConfig):
    name = "studyportal.syntheses"
    label = "syntheses"
    verbose_name = "Synthesis"
