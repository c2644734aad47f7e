from django.contrib import admin

from studyportal.clinical.models import Baseline, Lesion, ReferenceStandard
from studyportal.core.admin import ReadOnlyAdmin

admin.site.register([Baseline, Lesion, ReferenceStandard], ReadOnlyAdmin)
