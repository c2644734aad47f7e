import pydicom
from django.apps import AppConfig


class ImagingConfig(AppConfig):
    name = "studyportal.imaging"
    label = "imaging"
    verbose_name = "Imaging"

    def ready(self) -> None:
        # What is wrong with a header becomes a finding; as a warning it would only fill logs with header values.
        pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
