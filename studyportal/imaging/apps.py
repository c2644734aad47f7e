from django.apps import AppConfig


class ImagingConfig(AppConfig):
    name = "studyportal.imaging"
    label = "imaging"
    verbose_name = "Imaging"
