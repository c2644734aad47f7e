from enum import StrEnum

from studyportal.core.states import machine


class SessionStatus(StrEnum):
    INDEPENDENT = "independent"
    CONSENSUS = "consensus"
    CLOSED = "closed"


class ReadStatus(StrEnum):
    ASSIGNED = "assigned"
    IN_PROGRESS = "in_progress"
    SUBMITTED = "submitted"


class ReadKind(StrEnum):
    """What a read is for. Only independent reads are analysed; the reader is not told which is which."""

    PRACTICE = "practice"
    INDEPENDENT = "independent"
    REPEAT = "repeat"
    ATTENTION = "attention"
    ADJUDICATION = "adjudication"


class ReaderPart(StrEnum):
    READER = "reader"
    ADJUDICATOR = "adjudicator"


class Layer(StrEnum):
    """An image a reader may be shown."""

    CT = "ct"
    PET = "pet"
    SYNTHETIC = "synthetic"


READING_SESSION = machine(
    "reading session",
    SessionStatus,
    SessionStatus.INDEPENDENT,
    independent="consensus closed",
    consensus="closed",
    closed="",
)

# A submitted read never moves again: a correction is a new read beside it, with its reason.
READ = machine(
    "read",
    ReadStatus,
    ReadStatus.ASSIGNED,
    assigned="in_progress",
    in_progress="submitted",
    submitted="",
)
