"""Keeps reader scores that come from outside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import transaction

from studyportal.core import clock
from studyportal.core.errors import Reason, Refused
from studyportal.core.models import User
from studyportal.core.services import record
from studyportal.outcomes.models import IndexScore
from studyportal.outcomes.rules import ScoreEntry
from studyportal.participants.services import refuse_withdrawn
from studyportal.sites.rules import Action
from studyportal.sites.services import require

if TYPE_CHECKING:
    from studyportal.participants.models import Participant


@transaction.atomic
def enter_scores(
    *, participant: Participant, entries: Sequence[ScoreEntry], by: User
) -> list[IndexScore]:
    """The scores are kept; the same score again changes nothing, another one is refused."""
    require(by, Action.ENTER_CLINICAL, site=participant.site)
    refuse_withdrawn(participant)
    rows = [_keep(participant, entry, by=by) for entry in entries]
    if rows:
        record(
            "enter_scores",
            participant,
            f"{participant.code}: {len(rows)} reader score(s) were entered.",
            by=by,
            site_code=participant.site.code,
        )
    return rows


def _keep(participant: Participant, entry: ScoreEntry, *, by: User) -> IndexScore:
    row, created = IndexScore.objects.get_or_create(
        participant=participant,
        reader=entry.reader,
        arm=entry.arm,
        condition=entry.condition,
        unit=entry.unit,
        unit_id=entry.unit_id,
        defaults={"score": entry.score, "entered_at": clock.now(), "entered_by": by},
    )
    if not created and row.score != entry.score:
        raise Refused(Reason("score_differs", f"{row} is kept already with another score."))
    return row
