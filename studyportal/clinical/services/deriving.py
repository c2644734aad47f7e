"""The reference standard follows from complete forms. What the forms no longer bear out is superseded and stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studyportal.clinical.models import Form, Lesion, ReferenceStandard
from studyportal.clinical.rules import SOURCES, Derived, Unit, derive, has_pathology
from studyportal.clinical.selectors import ParticipantRows, rows_of_participant
from studyportal.clinical.states import FormStatus
from studyportal.core import clock
from studyportal.core.models import User
from studyportal.core.services import record
from studyportal.participants.rules import Answer
from studyportal.participants.services import settle_fact

if TYPE_CHECKING:
    from studyportal.participants.models import Participant

_KINDS = tuple(sorted(frozenset[str]().union(*SOURCES.values())))
_PAST_DRAFT = tuple(status for status in FormStatus if status != FormStatus.DRAFT)


def derive_reference(participant: Participant, *, by: User) -> list[ReferenceStandard]:
    """The reference standards that stand are those the rules derive; returns what is new.

    A condition one of whose forms is being corrected keeps what stood until that form is complete again.
    """
    rows = rows_of_participant(participant, kinds=_KINDS, statuses=_PAST_DRAFT)
    waiting = _in_correction(participant)
    derived = {
        (one.condition.value, one.unit.value, one.unit_id): one
        for one in derive(rows)
        if not SOURCES[one.condition] & waiting
    }
    new = _replace(participant, derived, waiting, rows, by=by)
    if has_pathology(rows):
        settle_fact(
            participant=participant,
            fact="pathology",
            answer=Answer.NOT_MET,
            source="pathology",
            by=by,
        )
    if new:
        record(
            "derive_reference",
            participant,
            f"{participant.code}: the reference standard of {len(new)} unit(s) was derived.",
            by=by,
            site_code=participant.site.code,
        )
    return new


def _in_correction(participant: Participant) -> frozenset[str]:
    return frozenset(
        Form.objects.filter(
            participant=participant, status=FormStatus.DRAFT, completed_at__isnull=False
        ).values_list("kind", flat=True)
    )


def _replace(
    participant: Participant,
    derived: dict[tuple[str, str, str], Derived],
    waiting: frozenset[str],
    rows: ParticipantRows,
    *,
    by: User,
) -> list[ReferenceStandard]:
    standing = ReferenceStandard.objects.select_for_update(of=("self",)).filter(
        participant=participant, superseded_at=None
    )
    for row in standing:
        key = (row.condition, row.unit, row.unit_id)
        one = derived.get(key)
        if one is not None and _same(row, one):
            del derived[key]
        elif one is not None or _is_spoken_of(row, waiting, rows):
            row.superseded_at = clock.now()
            row.save(update_fields=["superseded_at"])
    return [_keep(participant, one, by=by) for one in derived.values()]


def _is_spoken_of(row: ReferenceStandard, waiting: frozenset[str], rows: ParticipantRows) -> bool:
    """Whether the forms of this condition are complete and bear the row out no longer."""
    sources = next(kinds for condition, kinds in SOURCES.items() if condition == row.condition)
    if sources & waiting:
        return False
    # What was entered before there were forms stands until a form of its condition is complete.
    return bool(row.rule) or any(kind in rows for kind in sources)


def _same(row: ReferenceStandard, one: Derived) -> bool:
    return (row.status, row.certainty, row.rule, row.source) == (
        one.status,
        one.certainty,
        one.rule,
        one.source,
    )


def _keep(participant: Participant, one: Derived, *, by: User) -> ReferenceStandard:
    lesion = None
    if one.unit == Unit.LESION:
        lesion, _ = Lesion.objects.get_or_create(participant=participant, number=int(one.unit_id))
    return ReferenceStandard.objects.create(
        participant=participant,
        condition=one.condition,
        unit=one.unit,
        unit_id=one.unit_id,
        lesion=lesion,
        status=one.status,
        certainty=one.certainty,
        rule=one.rule,
        source=one.source,
        entered_at=clock.now(),
        entered_by=by,
    )
