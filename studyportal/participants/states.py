from enum import StrEnum

from studyportal.core.states import machine


class ParticipantStatus(StrEnum):
    SCREENED = "screened"
    SCREEN_FAILED = "screen_failed"
    ELIGIBLE = "eligible"
    ENROLLED = "enrolled"
    COMPLETED = "completed"
    DISCONTINUED = "discontinued"


PARTICIPANT = machine(
    "participant",
    ParticipantStatus,
    ParticipantStatus.SCREENED,
    screened="screen_failed eligible",
    screen_failed="",
    eligible="enrolled screen_failed",
    enrolled="completed discontinued",
    completed="",
    discontinued="",
)
