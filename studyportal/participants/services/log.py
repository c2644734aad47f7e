"""Keeps who declined, and lets two people override a criterion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction

from studyportal.core import clock
from studyportal.core.errors import NotAllowed, Reason, Refused, refuse_if
from studyportal.core.services import advance, begin, record
from studyportal.participants.models import (
    Declined,
    EligibilityAssessment,
    EligibilityOverride,
    Participant,
)
from studyportal.participants.rules import (
    Answer,
    DeclinedFacts,
    because_faults,
    declined_faults,
    fulfilled,
    override_faults,
)
from studyportal.participants.selectors import latest_assessment, overridden_criteria
from studyportal.participants.services.assessing import assess_again
from studyportal.participants.services.guarding import refuse_withdrawn
from studyportal.participants.states import ELIGIBILITY_OVERRIDE, OverrideStatus
from studyportal.protocol.selectors import active_protocol, content_of
from studyportal.sites.rules import Action
from studyportal.sites.services import require

if TYPE_CHECKING:
    from studyportal.core.models import User
    from studyportal.sites.models import Site


@transaction.atomic
def record_declined(*, site: Site, facts: DeclinedFacts, submission: UUID, by: User) -> Declined:
    """Somebody who declined stands on the screening log, without a trace of who it was; sent twice, it counts once.

    Raises
    ------
    Refused
        When the day lies in the future or the sex cannot be.
    """
    require(by, Action.SCREEN_PARTICIPANT, site=site)
    refuse_if(declined_faults(facts, today=clock.today()))
    row, created = Declined.objects.get_or_create(
        submission=submission,
        defaults={
            "site": site,
            "declined_on": facts.declined_on,
            "reason": facts.reason,
            "sex": facts.sex,
            "age_band": facts.age_band,
            "recorded_at": clock.now(),
            "recorded_by": by,
        },
    )
    if created:
        record(
            "record_declined",
            row,
            f"Somebody declined to take part at {site.code}.",
            by=by,
            site_code=site.code,
        )
    return row


def standing_in_the_way(
    participant: Participant, assessment: EligibilityAssessment | None = None
) -> tuple[str, ...]:
    """Criteria that the assessment that counts holds against the participant; it is read where it is not given."""
    assessment = assessment or latest_assessment(participant)
    if assessment is None:
        return ()
    criteria = {c.code: c for c in content_of(assessment.protocol_version).criteria}
    against = [
        row.criterion
        for row in assessment.answers.all()
        if row.answer != Answer.UNKNOWN
        and not fulfilled(criteria[row.criterion], Answer(row.answer))
    ]
    overridden = overridden_criteria(participant) if against else frozenset()
    return tuple(code for code in against if code not in overridden)


@transaction.atomic
def ask_override(
    *, participant: Participant, criteria: Sequence[str], because: str, by: User
) -> EligibilityOverride:
    """A second person is asked whether the participant may take part in spite of these criteria.

    Raises
    ------
    Refused
        When nothing stands in the way, a criterion can never be overridden, there is no reason, or one is asked already.
    """
    require(by, Action.ASK_OVERRIDE, site=participant.site)
    locked = Participant.objects.select_for_update(of=("self",)).get(pk=participant.pk)
    refuse_withdrawn(locked)
    standing = standing_in_the_way(locked)
    refuse_if(override_faults(criteria, standing, because, protocol=active_protocol()))
    if locked.overrides.filter(status=OverrideStatus.ASKED).exists():
        sentence = f"An override for {participant.code} waits for a second person already."
        raise Refused(Reason("override_asked", sentence))
    row = EligibilityOverride.objects.create(
        participant=locked,
        status=OverrideStatus.ASKED,
        criteria=sorted(criteria),
        because=because.strip(),
        asked_at=clock.now(),
        asked_by=by,
    )
    begin(row, ELIGIBILITY_OVERRIDE, by=by)
    _keep_act("ask_override", row, "was asked for", because, by=by)
    return row


@transaction.atomic
def decide_override(
    *, override: EligibilityOverride, granted: bool, because: str, by: User
) -> EligibilityOverride:
    """A second person has decided; when granted, a new assessment is kept and the participant follows it.

    Raises
    ------
    NotAllowed
        When the person who asked decides, or has no right to decide.
    Refused
        When there is no reason, it is decided already, or something else stands in the way by now.
    """
    participant = override.participant
    require(by, Action.DECIDE_OVERRIDE, site=participant.site)
    if override.asked_by_id == by.pk:
        sentence = "You asked for this override; another person decides."
        raise NotAllowed(Reason("override_two_people", sentence))
    refuse_if(because_faults(because))
    Participant.objects.select_for_update(of=("self",)).get(pk=participant.pk)
    refuse_withdrawn(participant)
    standing = standing_in_the_way(participant)
    if granted and set(standing) != set(override.criteria):
        sentence = (
            f"By now something else stands in the way: {', '.join(standing) or 'nothing'}. Decline this override and "
            "ask for another one."
        )
        raise Refused(Reason("override_outdated", sentence))
    advance(
        override,
        ELIGIBILITY_OVERRIDE,
        OverrideStatus.GRANTED if granted else OverrideStatus.DECLINED,
        by=by,
        reason=because.strip(),
        decided_because=because.strip(),
        decided_at=clock.now(),
        decided_by=by,
    )
    _keep_act(
        "decide_override", override, "was granted" if granted else "was declined", because, by=by
    )
    if granted:
        assess_again(participant=participant, by=by)
    return override


def _keep_act(
    verb: str, override: EligibilityOverride, what: str, because: str, *, by: User
) -> None:
    participant = override.participant
    record(
        verb,
        override,
        f"{participant.code}: an override of {', '.join(override.criteria)} {what}.",
        by=by,
        site_code=participant.site.code,
        reason=because.strip(),
    )
