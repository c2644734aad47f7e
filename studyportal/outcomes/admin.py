from django.contrib import admin

from studyportal.core.admin import TrailAdmin
from studyportal.outcomes.models import (
    CutPair,
    DataCut,
    EvaluationRun,
    IndexScore,
    IndexTest,
    RunFile,
)


@admin.register(DataCut, CutPair, EvaluationRun, IndexTest, IndexScore, RunFile)
class ReadOnlyAdmin(TrailAdmin):
    """Seen here; changed through services, which keep the trail."""

    list_display = ("__str__",)
    date_hierarchy = None
