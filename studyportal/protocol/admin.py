from django.contrib import admin

from studyportal.core.admin import ReadOnlyAdmin
from studyportal.protocol.models import ProtocolVersion

admin.site.register([ProtocolVersion], ReadOnlyAdmin)
