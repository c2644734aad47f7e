from django.contrib import admin

from studyportal.core.admin import ReadOnlyAdmin
from studyportal.reading.models import (
    CaseVolume,
    Read,
    ReadCall,
    ReadingArm,
    ReadingCase,
    ReadingSession,
    SessionReader,
)

admin.site.register(
    [ReadingSession, ReadingArm, ReadingCase, CaseVolume, SessionReader, Read, ReadCall],
    ReadOnlyAdmin,
)
