from django.contrib import admin

from studyportal.core.admin import ReadOnlyAdmin
from studyportal.imaging.models import (
    Arrival,
    ArrivalConflict,
    Finding,
    ImagingSeries,
    ImagingStudy,
    OutlineSet,
    ScanPair,
)

admin.site.register(
    [ScanPair, ImagingStudy, ImagingSeries, Finding, OutlineSet, Arrival, ArrivalConflict],
    ReadOnlyAdmin,
)
