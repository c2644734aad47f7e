from django.contrib import admin

from studyportal.core.admin import ReadOnlyAdmin
from studyportal.imaging.models import (
    Arrival,
    ArrivalConflict,
    Finding,
    ImagingSeries,
    ImagingStudy,
    InjectionEntry,
    OutlineSet,
    PairScreening,
    ScanPair,
)

admin.site.register(
    [
        ScanPair,
        ImagingStudy,
        ImagingSeries,
        InjectionEntry,
        PairScreening,
        Finding,
        OutlineSet,
        Arrival,
        ArrivalConflict,
    ],
    ReadOnlyAdmin,
)
