"""Reads of consent: which versions a site has, and who must sign again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet

from studyportal.core import clock
from studyportal.participants.models import Consent, ConsentVersion, Participant
from studyportal.participants.rules import Language, Need, Offer, need_of
from studyportal.participants.states import ParticipantStatus
from studyportal.sites.rules import Action
from studyportal.sites.selectors import Person, may, site_ids

if TYPE_CHECKING:
    from studyportal.sites.models import Site

# Whoever is still in the study or on the way into it.
_CONCERNED = (ParticipantStatus.SCREENED, ParticipantStatus.ELIGIBLE, ParticipantStatus.ENROLLED)


def consent_versions_visible_to(user: Person) -> QuerySet[ConsentVersion]:
    """Declared versions: all for those who declare them, else those of the sites whose participants one may see."""
    rows = ConsentVersion.objects.select_related("site", "declared_by")
    if not may(user, Action.MANAGE_PROTOCOL):
        rows = rows.filter(site__in=site_ids(user, Action.SEE_PARTICIPANTS))
    return rows.order_by("site__code", "-valid_from", "language")


def offers_at(site: Site) -> list[Offer]:
    """The versions that the site declared, oldest first."""
    return [_offer(row) for row in ConsentVersion.objects.filter(site=site).order_by("valid_from")]


def offers_by_site() -> Mapping[UUID, list[Offer]]:
    """The versions of every site that declared some, oldest first."""
    found: dict[UUID, list[Offer]] = {}
    for row in ConsentVersion.objects.order_by("valid_from"):
        found.setdefault(row.site_id, []).append(_offer(row))
    return found


def standing_consents(participant: Participant) -> QuerySet[Consent]:
    """Consents that were not withdrawn, oldest first."""
    return Consent.objects.filter(participant=participant, withdrawn_on=None)


def consent_needed(participant: Participant) -> Need | None:
    """The version that the participant must sign again; None when there is none, or the study is over for them."""
    if participant.status not in _CONCERNED:
        return None
    signed = standing_consents(participant).values_list("version", flat=True)
    return need_of(signed, offers_at(participant.site), today=clock.today())


def with_signed_versions(rows: QuerySet[Participant]) -> QuerySet[Participant]:
    """The participants, each with the versions of their standing consents as `signed_versions`."""
    standing = Consent.objects.filter(participant=OuterRef("pk"), withdrawn_on=None)
    return rows.annotate(signed_versions=ArraySubquery(standing.values("version")))


def need_among(status: str, signed: Sequence[str], offers: Sequence[Offer]) -> Need | None:
    """The same as `consent_needed` for a row of a list that was read at once."""
    if status not in _CONCERNED or not offers:
        return None
    return need_of(signed, offers, today=clock.today())


def needing_consent(rows: QuerySet[Participant]) -> Mapping[date, list[UUID]]:
    """Who of these must sign a newer version, by the day since when. Reads nobody where no version asks for that."""
    asking = {
        site: offers
        for site, offers in offers_by_site().items()
        if any(offer.requires_reconsent for offer in offers)
    }
    found: dict[date, list[UUID]] = {}
    if not asking:
        return found
    concerned = rows.filter(site__in=asking, status__in=_CONCERNED)
    listed = with_signed_versions(concerned).values_list("pk", "site_id", "signed_versions")  # type: ignore[misc]  # annotated
    for key, site, signed in listed:
        need = need_of(signed, asking[site], today=clock.today())
        if need is not None:
            found.setdefault(need.since, []).append(key)
    return found


def _offer(row: ConsentVersion) -> Offer:
    return Offer(
        version=row.version,
        language=Language(row.language),
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        requires_reconsent=row.requires_reconsent,
        reconsent_by=row.reconsent_by,
    )


def with_consent() -> QuerySet[Consent, Any]:
    """Participants who ever consented, as a subquery for other rooms' reads."""
    return Consent.objects.order_by().values("participant")
