from django.contrib import admin

from studyportal.core.admin import ReadOnlyAdmin
from studyportal.reading.models import ReadingArm, ReadingCase, ReadingSession, SessionReader

# Reads and their answers stand on no page but the reader's own while their session is open.
admin.site.register([ReadingSession, ReadingArm, ReadingCase, SessionReader], ReadOnlyAdmin)
