from django.contrib import admin

from studyportal.core.admin import ReadOnlyAdmin
from studyportal.outcomes.models import (
    CutPair,
    DataCut,
    EvaluationRun,
    IndexTest,
    ResultOpening,
    RunFile,
)

admin.site.register(
    [DataCut, CutPair, EvaluationRun, IndexTest, ResultOpening, RunFile], ReadOnlyAdmin
)
