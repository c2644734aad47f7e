"""What may leave, and in which words."""

from studyportal.exports.rules.pairs import (
    PARTICIPANTS,
    Candidate,
    LeftOut,
    left_out_csv,
    participants_csv,
    reason_left_out,
    require_deidentified,
)
from studyportal.exports.rules.tables import (
    DICTIONARY,
    EXPORTED,
    PSEUDONYMISED,
    Column,
    Label,
    as_csv,
    dictionary_csv,
    label_of,
    neutral,
)

__all__ = [
    "DICTIONARY",
    "EXPORTED",
    "PARTICIPANTS",
    "PSEUDONYMISED",
    "Candidate",
    "Column",
    "Label",
    "LeftOut",
    "as_csv",
    "dictionary_csv",
    "label_of",
    "left_out_csv",
    "neutral",
    "participants_csv",
    "reason_left_out",
    "require_deidentified",
]
