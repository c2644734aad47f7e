"""Freezes cuts, measures pairs, runs analyses. Each name here is one use case."""

from studyportal.outcomes.services.comparing import (
    MOST_RELEASES,
    compute_comparison,
    measure_compared,
    plan_comparison,
)
from studyportal.outcomes.services.cuts import freeze_cut
from studyportal.outcomes.services.measuring import measure_cut_pair
from studyportal.outcomes.services.runs import analyse_run, plan_run, publish_report
from studyportal.outcomes.services.scores import enter_scores
from studyportal.outcomes.services.tables import left_out_since, tables_of
from studyportal.outcomes.services.withdrawing import obey_withdrawal

__all__ = [
    "MOST_RELEASES",
    "analyse_run",
    "compute_comparison",
    "enter_scores",
    "freeze_cut",
    "left_out_since",
    "measure_compared",
    "measure_cut_pair",
    "obey_withdrawal",
    "plan_comparison",
    "plan_run",
    "publish_report",
    "tables_of",
]
