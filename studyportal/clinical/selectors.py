"""Reads of clinical facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from django.db.models import Model, QuerySet

from studyportal.clinical.models import Baseline, Lesion, ReferenceStandard
from studyportal.participants.selectors import removed_ids

if TYPE_CHECKING:
    from studyportal.participants.models import Participant

Row = TypeVar("Row", bound=Model)


def reference_of(participant: Participant) -> QuerySet[ReferenceStandard]:
    """Reference standards of one participant."""
    return _kept(ReferenceStandard).filter(participant=participant)


def lesions_of(participant: Participant) -> QuerySet[Lesion]:
    """Lesions of one participant."""
    return _kept(Lesion).filter(participant=participant)


def baseline_of(participant: Participant) -> Baseline | None:
    """Body measurements of one participant, once they were entered."""
    return _kept(Baseline).filter(participant=participant).first()


def every_reference() -> QuerySet[ReferenceStandard]:
    """All reference standards, for data cuts."""
    return _kept(ReferenceStandard).select_related("participant", "participant__site")


def every_baseline() -> QuerySet[Baseline]:
    """All baseline measurements, for data cuts."""
    return _kept(Baseline)


def _kept(model: type[Row]) -> QuerySet[Row]:
    """The records of everybody who did not have the data removed; the others' are sealed."""
    return model._default_manager.exclude(participant__in=removed_ids())
