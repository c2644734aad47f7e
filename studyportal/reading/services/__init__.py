"""Opens sessions, keeps reads, begins the consensus, closes; prepares images; obeys withdrawals."""

from studyportal.reading.services.exporting import export_reads
from studyportal.reading.services.guarding import require_blind
from studyportal.reading.services.opening import open_session
from studyportal.reading.services.preparing import prepare_case
from studyportal.reading.services.reading import (
    Kept,
    OtherTab,
    answers_of,
    drawn_lesions,
    keep_time,
    reopen_for_reader,
    reopen_read,
    save_draft,
    start_read,
    submit_read,
)
from studyportal.reading.services.running import (
    begin_consensus,
    close_session,
    exclude_case,
    open_reads,
    withdraw_reader,
)
from studyportal.reading.services.withdrawing import obey_withdrawal

__all__ = [
    "Kept",
    "OtherTab",
    "answers_of",
    "begin_consensus",
    "close_session",
    "drawn_lesions",
    "exclude_case",
    "export_reads",
    "keep_time",
    "obey_withdrawal",
    "open_reads",
    "open_session",
    "prepare_case",
    "reopen_for_reader",
    "reopen_read",
    "require_blind",
    "save_draft",
    "start_read",
    "submit_read",
    "withdraw_reader",
]
