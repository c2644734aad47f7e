from django.contrib import admin

from studyportal.core.admin import ReadOnlyAdmin
from studyportal.outcomes.models import (
    CutPair,
    DataCut,
    EvaluationRun,
    IndexScore,
    IndexTest,
    RunFile,
)

admin.site.register(
    [DataCut, CutPair, EvaluationRun, IndexTest, IndexScore, RunFile], ReadOnlyAdmin
)
