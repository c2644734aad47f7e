"""Runs the locked analysis plan on the study's tables and gives result rows."""

from evaluation.analysis.plan import Plan
from evaluation.analysis.plan_file import default_plan, load_plan
from evaluation.analysis.results import AnalysisResult, ResultRow
from evaluation.analysis.strict import PlanError
from evaluation.analysis.study import run
from evaluation.analysis.table_files import read_tables
from evaluation.analysis.tables import COLUMNS, Tables, TablesError, empty_table

__all__ = [
    "COLUMNS",
    "AnalysisResult",
    "Plan",
    "PlanError",
    "ResultRow",
    "Tables",
    "TablesError",
    "default_plan",
    "empty_table",
    "load_plan",
    "read_tables",
    "run",
]
