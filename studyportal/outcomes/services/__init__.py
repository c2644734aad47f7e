"""Freezes cuts, measures pairs, runs analyses. Each name here is one use case."""

from studyportal.outcomes.services.classifiers import Recipe, train_classifier
from studyportal.outcomes.services.comparing import (
    MOST_RELEASES,
    compute_comparison,
    measure_compared,
    plan_comparison,
)
from studyportal.outcomes.services.cuts import freeze_cut
from studyportal.outcomes.services.index_tests import (
    lock_index_test,
    read_plan,
    register_index_tests,
)
from studyportal.outcomes.services.measuring import measure_cut_pair
from studyportal.outcomes.services.openings import (
    ask_opening,
    decline_opening,
    note_look,
    open_results,
    refuse_sealed,
)
from studyportal.outcomes.services.readings import (
    open_reading_session,
    read_otherwise,
    take_out_reads,
)
from studyportal.outcomes.services.runs import analyse_run, plan_run, publish_report
from studyportal.outcomes.services.scores import enter_scores, import_reads
from studyportal.outcomes.services.tables import left_out_since, tables_of
from studyportal.outcomes.services.withdrawing import obey_withdrawal

__all__ = [
    "MOST_RELEASES",
    "Recipe",
    "analyse_run",
    "ask_opening",
    "compute_comparison",
    "decline_opening",
    "enter_scores",
    "freeze_cut",
    "import_reads",
    "left_out_since",
    "lock_index_test",
    "measure_compared",
    "measure_cut_pair",
    "note_look",
    "obey_withdrawal",
    "open_reading_session",
    "open_results",
    "plan_comparison",
    "plan_run",
    "publish_report",
    "read_otherwise",
    "read_plan",
    "refuse_sealed",
    "register_index_tests",
    "tables_of",
    "take_out_reads",
    "train_classifier",
]
