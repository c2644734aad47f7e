"""What collecting asks for before anything else: a consent that stands and is recent enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studyportal.core import clock
from studyportal.core.errors import Reason, Refused
from studyportal.participants.selectors import (
    consent_needed,
    consents_of,
    has_withdrawn,
    standing_consents,
)

if TYPE_CHECKING:
    from studyportal.participants.models import Participant


def refuse_withdrawn(participant: Participant) -> None:
    """Nothing is collected of somebody who withdrew.

    Raises
    ------
    Refused
        When a withdrawal is recorded, or every consent was withdrawn.
    """
    gone = consents_of(participant).exists() and not standing_consents(participant).exists()
    if gone or has_withdrawn(participant):
        sentence = f"{participant.code} withdrew consent; nothing more is collected."
        raise Refused(Reason("consent_withdrawn", sentence))


def require_consent(participant: Participant) -> None:
    """Something new may be collected of this participant today.

    Raises
    ------
    Refused
        When consent was withdrawn, or a newer version must be signed first (ICH E6(R3) 2.8.2).
    """
    refuse_withdrawn(participant)
    need = consent_needed(participant)
    if need is not None and need.blocks(clock.today()):
        sentence = f"{participant.code}: {need.sentence}"
        raise Refused(Reason("reconsent_needed", sentence))
