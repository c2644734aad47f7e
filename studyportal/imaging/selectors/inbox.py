"""Reads of what came over the network, scoped to what the person may assign."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import OuterRef, Q, QuerySet, Subquery

from studyportal.imaging.models import (
    Arrival,
    ArrivalConflict,
    ImagingSeries,
    PatientBinding,
)
from studyportal.imaging.rules import modalities_of, role_of
from studyportal.imaging.selectors.images import patient_key
from studyportal.imaging.states import (
    IN_INTAKE,
    ArrivalStatus,
    SeriesRole,
    SeriesStatus,
)
from studyportal.sites.rules import Action
from studyportal.sites.selectors import Person, site_ids

if TYPE_CHECKING:
    from studyportal.participants.models import Participant


def arrivals_visible_to(user: Person) -> QuerySet[Arrival]:
    """Arrivals at the sites at which the person may assign them."""
    return Arrival.objects.filter(site__in=site_ids(user, Action.SORT_INBOX)).select_related(
        "site", "series"
    )


def arrival_for(user: Person, arrival_id: UUID) -> Arrival | None:
    """The arrival, or None when it does not exist or the person may not see it."""
    return arrivals_visible_to(user).filter(pk=arrival_id).first()


def inbox_of(user: Person, *, patient_id: str = "") -> QuerySet[Arrival]:
    """What asks for the person: open arrivals and those that a check refused, images of one patient together.

    With a hospital's patient identifier, those of this patient only; it is hashed at once and never kept.
    """
    asking = Q(status__in=(ArrivalStatus.COLLECTING, ArrivalStatus.WAITING)) | Q(
        status=ArrivalStatus.ASSIGNED, series__status=SeriesStatus.QUARANTINED
    )
    owner = PatientBinding.objects.filter(patient_key=OuterRef("patient_key"))
    rows = (
        arrivals_visible_to(user)
        .filter(asking)
        .select_related("series__pair__participant")
        .annotate(owner_code=Subquery(owner.values("participant__code")[:1]))
    )
    if patient_id:
        sites = rows.order_by().values_list("site__code", flat=True).distinct()
        rows = rows.filter(patient_key__in=[patient_key(patient_id, code) for code in sites])
    return rows.order_by("site__code", "patient_key", "study_key", "first_at")


def conflicts_open_to(user: Person) -> QuerySet[ArrivalConflict]:
    """Conflicts that nobody settled, at the sites at which the person may."""
    return (
        ArrivalConflict.objects.filter(
            arrival__site__in=site_ids(user, Action.SORT_INBOX), settled_at=None
        )
        .select_related("arrival", "arrival__site", "arrival__series__pair__participant")
        .order_by("arrival", "found_at")
    )


def conflict_for(user: Person, conflict_id: UUID) -> ArrivalConflict | None:
    """The open conflict, or None when it does not exist or the person may not see it."""
    return conflicts_open_to(user).filter(pk=conflict_id).first()


def open_arrivals() -> QuerySet[Arrival]:
    """Arrivals that are being collected or wait, for the portal's own work."""
    return Arrival.objects.filter(
        status__in=(ArrivalStatus.COLLECTING, ArrivalStatus.WAITING)
    ).select_related("site", "series")


def rivals_of(arrival: Arrival) -> QuerySet[Arrival]:
    """Other open arrivals of the same patient that could play the same role."""
    role = role_of(arrival.modality)
    alike = modalities_of(role) if role else ()
    same = {"site": arrival.site_id, "patient_key": arrival.patient_key, "modality__in": alike}
    return open_arrivals().filter(**same).exclude(pk=arrival.pk)


def refused_before(arrival: Arrival) -> list[UUID]:
    """Ids of the series that earlier images of this series were refused as and whose files are still kept."""
    earlier = Arrival.objects.filter(
        site=arrival.site_id,
        series_key=arrival.series_key,
        status=ArrivalStatus.ASSIGNED,
        series__status=SeriesStatus.QUARANTINED,
    )
    return [pk for pk in earlier.values_list("series_id", flat=True) if pk is not None]


def being_checked(participant: Participant, role: SeriesRole) -> bool:
    """Whether a series of the participant in this role waits for the verdict of intake."""
    return ImagingSeries.objects.filter(
        pair__participant=participant, role=role, status__in=IN_INTAKE
    ).exists()


def bound_owner(key: str) -> Participant | None:
    """The participant to whom the patient with this keyed digest is bound."""
    bound = PatientBinding.objects.filter(patient_key=key).select_related("participant__site")
    return next((binding.participant for binding in bound), None)


def key_of(participant: Participant) -> str:
    """Keyed digest of the patient to whom the participant is bound; empty when to none."""
    bound = PatientBinding.objects.filter(participant=participant)
    return next((binding.patient_key for binding in bound), "")
