from django.contrib import admin

from studyportal.core.admin import ReadOnlyAdmin
from studyportal.exports.models import Export, ExportDownload

admin.site.register([Export, ExportDownload], ReadOnlyAdmin)
