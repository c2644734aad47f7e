from django.contrib import admin

from studyportal.core.admin import ReadOnlyAdmin
from studyportal.queries.models import DataQuery, QueryMessage

admin.site.register([DataQuery, QueryMessage], ReadOnlyAdmin)
