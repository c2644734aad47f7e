from django.contrib import admin

from studyportal.clinical.models import (
    RECORDS,
    Form,
    Lesion,
    Reconciliation,
    ReferenceStandard,
    SecondEntry,
)
from studyportal.core.admin import ReadOnlyAdmin

admin.site.register(
    [Form, Lesion, ReferenceStandard, SecondEntry, Reconciliation, *RECORDS.values()], ReadOnlyAdmin
)
