"""Cuts, measurements, runs and results; and releases compared on a cut."""

from studyportal.outcomes.models.comparisons import (
    ComparedRelease,
    ComparedSeries,
    ReleaseComparison,
)
from studyportal.outcomes.models.study import (
    CutPair,
    DataCut,
    EvaluationRun,
    IndexScore,
    IndexTest,
    Measurement,
    ResultRow,
    RunFile,
)

__all__ = [
    "ComparedRelease",
    "ComparedSeries",
    "CutPair",
    "DataCut",
    "EvaluationRun",
    "IndexScore",
    "IndexTest",
    "Measurement",
    "ReleaseComparison",
    "ResultRow",
    "RunFile",
]
