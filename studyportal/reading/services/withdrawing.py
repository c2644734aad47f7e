"""What reading sessions do when a participant has withdrawn consent and had the data removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studyportal.participants.rules import Obeyed, Scope
from studyportal.reading.models import CaseVolume, Read, ReadingCase
from studyportal.reading.services.running import take_out
from studyportal.reading.states import ReadStatus, SessionStatus

if TYPE_CHECKING:
    from studyportal.participants.models import Withdrawal

_REMOVED = "The participant withdrew consent and had the data removed."


def obey_withdrawal(*, withdrawal: Withdrawal) -> Obeyed:
    """Nobody reads the participant's case any more and its images are gone; submitted reads are sealed.

    Who only stops collecting keeps what was collected before, and it may still be read.
    """
    cases = ReadingCase.objects.filter(pair__participant=withdrawal.participant)
    if withdrawal.scope != Scope.REMOVE:
        number = cases.count()
        return Obeyed(stays=(f"{number} cases of reading sessions stay.",) if number else ())
    taken = sum(
        take_out(case, _REMOVED) for case in cases.exclude(session__status=SessionStatus.CLOSED)
    )
    volumes = CaseVolume.objects.filter(case__in=cases)
    files = frozenset(
        digest for row in volumes.values_list("sha256", "quick_sha256") for digest in row if digest
    )
    removed = volumes.count()
    volumes.delete()
    reads = Read.objects.filter(case__in=cases, status=ReadStatus.SUBMITTED).count()
    counts = {"cases_taken_out": taken, "volumes_removed": removed}
    return Obeyed(
        counts={key: count for key, count in counts.items() if count},
        files=files,
        stays=(f"{reads} reads are sealed: no later analysis has them.",) if reads else (),
    )
