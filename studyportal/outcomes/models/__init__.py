"""Cuts, measurements, runs and results; and releases compared on a cut."""

from studyportal.outcomes.models.comparisons import (
    ComparedRelease,
    ComparedSeries,
    ReleaseComparison,
)
from studyportal.outcomes.models.index_tests import IndexScore, IndexTest
from studyportal.outcomes.models.openings import ResultOpening
from studyportal.outcomes.models.study import (
    CutPair,
    DataCut,
    EvaluationRun,
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
    "ResultOpening",
    "ResultRow",
    "RunFile",
]
