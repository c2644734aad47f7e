"""Withdrawals: every room obeys, in the order of the rooms, until nothing is left to do."""

from collections.abc import Mapping

from studyportal.clinical.services import obey_withdrawal as clinical
from studyportal.exports.services import obey_withdrawal as exports
from studyportal.imaging.selectors import digests_in_use as images_in_use
from studyportal.imaging.services import obey_withdrawal as imaging
from studyportal.imaging.services import read_spool
from studyportal.outcomes.services import obey_withdrawal as outcomes
from studyportal.participants.rules import Room
from studyportal.participants.selectors import every_withdrawal
from studyportal.participants.services import Obey, carry_out
from studyportal.reading.selectors import digests_in_use as readings_in_use
from studyportal.reading.services import obey_withdrawal as reading
from studyportal.syntheses.selectors import digests_in_use as syntheses_in_use
from studyportal.syntheses.services import obey_withdrawal as syntheses
from studyportal.tasks.dispatch import portal_task

_WHY = "files may rest on rows of any site, and nobody's rights stand behind what a participant asked for"

ROOMS: Mapping[Room, Obey] = {
    Room.CLINICAL: clinical,
    Room.IMAGING: imaging,
    Room.SYNTHESES: syntheses,
    Room.READING: reading,
    Room.OUTCOMES: outcomes,
    Room.EXPORTS: exports,
}


def in_use(digests: frozenset[str]) -> frozenset[str]:
    """Those of the files that rows of somebody else rest on too."""
    return images_in_use(digests) | syntheses_in_use(digests) | readings_in_use(digests)


@portal_task(over_every_site=_WHY)
def obey(withdrawal_id: str) -> None:
    """Idempotent: a step that is done is left alone. The spool is read first, while it can be told whose it is."""
    read_spool()
    withdrawal = every_withdrawal().get(pk=withdrawal_id)
    carry_out(withdrawal=withdrawal, rooms=ROOMS, in_use=in_use)


@portal_task(over_every_site=_WHY)
def confirm(withdrawal_id: str) -> None:
    """Idempotent: looks at every room again, in case a slow worker or a backup brought something back."""
    withdrawal = every_withdrawal().get(pk=withdrawal_id)
    carry_out(withdrawal=withdrawal, rooms=ROOMS, in_use=in_use, again=True)
