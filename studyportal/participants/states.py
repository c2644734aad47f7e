from enum import StrEnum

from studyportal.core.states import machine


class ParticipantStatus(StrEnum):
    SCREENED = "screened"
    SCREEN_FAILED = "screen_failed"
    ELIGIBLE = "eligible"
    ENROLLED = "enrolled"
    COMPLETED = "completed"
    DISCONTINUED = "discontinued"


class WithdrawalStatus(StrEnum):
    """How far a withdrawal has been carried out."""

    RECORDED = "recorded"
    CARRIED_OUT = "carried_out"
    CONFIRMED = "confirmed"  # looked at again later: nothing had come back


class OverrideStatus(StrEnum):
    """What became of the wish to let somebody in in spite of a criterion."""

    ASKED = "asked"
    GRANTED = "granted"
    DECLINED = "declined"


PARTICIPANT = machine(
    "participant",
    ParticipantStatus,
    ParticipantStatus.SCREENED,
    screened="screen_failed eligible",
    # Only an override by two people leads back.
    screen_failed="eligible",
    eligible="enrolled screen_failed",
    enrolled="completed discontinued",
    completed="",
    discontinued="",
)

WITHDRAWAL = machine(
    "withdrawal",
    WithdrawalStatus,
    WithdrawalStatus.RECORDED,
    recorded="carried_out",
    carried_out="confirmed",
    confirmed="",
)

ELIGIBILITY_OVERRIDE = machine(
    "eligibility override",
    OverrideStatus,
    OverrideStatus.ASKED,
    asked="granted declined",
    granted="",
    declined="",
)
