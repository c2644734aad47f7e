"""Screens, enrols, assesses, keeps consent and withdrawal. Each name here is one use case."""

from studyportal.participants.services.assessing import settle_criteria, settle_fact
from studyportal.participants.services.consent import declare_consent_version, record_consent
from studyportal.participants.services.guarding import refuse_withdrawn, require_consent
from studyportal.participants.services.log import (
    ask_override,
    decide_override,
    record_declined,
    standing_in_the_way,
)
from studyportal.participants.services.screening import (
    complete_screening,
    enrol_participant,
    screen_participant,
)
from studyportal.participants.services.seeding import Ending, Seed, seed_participants
from studyportal.participants.services.withdrawing import (
    InUse,
    Obey,
    carry_out,
    record_withdrawal,
)

__all__ = [
    "Ending",
    "InUse",
    "Obey",
    "Seed",
    "ask_override",
    "carry_out",
    "complete_screening",
    "decide_override",
    "declare_consent_version",
    "enrol_participant",
    "record_consent",
    "record_declined",
    "record_withdrawal",
    "refuse_withdrawn",
    "require_consent",
    "screen_participant",
    "seed_participants",
    "settle_criteria",
    "settle_fact",
    "standing_in_the_way",
]
