from django.apps import AppConfig


class DicomConfig(AppConfig):
    name = "studyportal.dicom"
    label = "dicom"
    verbose_name = "DICOM"
