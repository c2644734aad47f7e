"""Freezes cuts, measures pairs, runs analyses. Each name here is one use case."""

from studyportal.outcomes.services.cuts import freeze_cut
from studyportal.outcomes.services.measuring import measure_cut_pair
from studyportal.outcomes.services.runs import analyse_run, plan_run, publish_report
from studyportal.outcomes.services.scores import enter_scores
from studyportal.outcomes.services.tables import tables_of

__all__ = [
    "analyse_run",
    "enter_scores",
    "freeze_cut",
    "measure_cut_pair",
    "plan_run",
    "publish_report",
    "tables_of",
]
