"""Reads of clinical facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import QuerySet

from studyportal.clinical.models import Baseline, Lesion, ReferenceStandard
from studyportal.sites.rules import Action
from studyportal.sites.selectors import Person, may

if TYPE_CHECKING:
    from studyportal.participants.models import Participant


def reference_for(user: Person, participant: Participant) -> QuerySet[ReferenceStandard]:
    """Reference standards of one participant; none for a person who is blinded to them or may not see them there."""
    if not may(user, Action.SEE_REFERENCE, site=participant.site):
        return ReferenceStandard.objects.none()
    return ReferenceStandard.objects.filter(participant=participant)


def lesions_of(participant: Participant) -> QuerySet[Lesion]:
    """Lesions of one participant."""
    return Lesion.objects.filter(participant=participant)


def baseline_of(participant: Participant) -> Baseline | None:
    """Body measurements of one participant, once they were entered."""
    return Baseline.objects.filter(participant=participant).first()


def every_reference() -> QuerySet[ReferenceStandard]:
    """All reference standards, for data cuts."""
    return ReferenceStandard.objects.select_related("participant", "participant__site")


def every_baseline() -> QuerySet[Baseline]:
    """All baseline measurements, for data cuts."""
    return Baseline.objects.all()
