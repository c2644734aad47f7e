"""Declares versions of the consent form and keeps who signed which."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from django.db import transaction

from studyportal.core import clock
from studyportal.core.errors import Reason, Refused, refuse_if
from studyportal.core.services import record
from studyportal.participants.models import Consent, ConsentVersion, Participant
from studyportal.participants.rules import (
    Answer,
    Offer,
    Signature,
    offer_faults,
    signature_faults,
)
from studyportal.participants.selectors import offers_at
from studyportal.participants.services.assessing import settle_fact
from studyportal.participants.services.guarding import refuse_withdrawn
from studyportal.participants.states import ParticipantStatus
from studyportal.protocol.selectors import active_protocol
from studyportal.sites.rules import Action
from studyportal.sites.services import lock_site, require

if TYPE_CHECKING:
    from studyportal.core.models import User
    from studyportal.sites.models import Site

_OVER = (ParticipantStatus.SCREEN_FAILED, ParticipantStatus.DISCONTINUED)


@transaction.atomic
def declare_consent_version(
    *, site: Site, offer: Offer, approval: str = "", by: User
) -> ConsentVersion:
    """The version counts at the site from its first day, and replaces the one in the same language from then on.

    Raises
    ------
    Refused
        When it is declared already, counts earlier than the one it replaces, or its dates contradict each other.
    """
    require(by, Action.MANAGE_PROTOCOL)
    lock_site(site)
    refuse_if(offer_faults(offer, former=offers_at(site)))
    ConsentVersion.objects.filter(site=site, language=offer.language, valid_until=None).update(
        valid_until=offer.valid_from
    )
    row = ConsentVersion.objects.create(
        site=site,
        version=offer.version,
        language=offer.language,
        valid_from=offer.valid_from,
        requires_reconsent=offer.requires_reconsent,
        reconsent_by=offer.reconsent_by,
        approval=approval.strip()[:200],
        declared_at=clock.now(),
        declared_by=by,
    )
    sentence = (
        f"Consent version {row.version} ({row.language}) counts at {site.code} from "
        f"{row.valid_from.isoformat()}{'; whoever signed an earlier one signs again' if offer.requires_reconsent else ''}."
    )
    record(
        "declare_consent_version",
        row,
        sentence,
        by=by,
        site_code=site.code,
    )
    return row


@transaction.atomic
def record_consent(
    *, participant: Participant, version: str, language: str, signed_on: date, by: User
) -> Consent:
    """The participant signed this version; recording the same signature again changes nothing.

    Raises
    ------
    Refused
        When consent was withdrawn, screening failed, the version did not count that day, or another day stands for it.
    """
    require(by, Action.SCREEN_PARTICIPANT, site=participant.site)
    locked = Participant.objects.select_for_update(of=("self",)).get(pk=participant.pk)
    refuse_withdrawn(locked)
    if locked.status in _OVER:
        sentence = f"{participant.code} is no longer in the study; there is nothing to consent to."
        raise Refused(Reason("study_over", sentence))
    signature = Signature(version, language, signed_on)
    refuse_if(
        signature_faults(
            signature,
            offers=offers_at(participant.site),
            of_protocol=active_protocol().consent_versions,
            today=clock.today(),
        )
    )
    known = Consent.objects.filter(participant=locked, version=version).first()
    if known is not None:
        return _same(known, signature)
    _not_after_enrolment(locked, signed_on)
    row = keep_consent(participant=locked, signature=signature)
    settle_fact(participant=locked, fact="consent", answer=Answer.MET, source="screening", by=by)
    record(
        "record_consent",
        participant,
        f"{participant.code} signed version {version} of the consent form.",
        by=by,
        site_code=participant.site.code,
    )
    participant.refresh_from_db()
    return row


def keep_consent(*, participant: Participant, signature: Signature) -> Consent:
    """The signature is a row; whoever calls this has judged it."""
    return Consent.objects.create(
        participant=participant,
        version=signature.version,
        language=signature.language,
        signed_on=signature.signed_on,
    )


def _same(known: Consent, signature: Signature) -> Consent:
    if known.signed_on != signature.signed_on:
        sentence = (
            f"Version {known.version} is kept as signed on {known.signed_on.isoformat()}. A wrong day is mended by a "
            "data query, not by a second signature."
        )
        raise Refused(Reason("consent_differs", sentence, "consent_date"))
    return known


def _not_after_enrolment(participant: Participant, signed_on: date) -> None:
    """A first consent comes before enrolment; a later version may of course come after it."""
    first = not Consent.objects.filter(participant=participant).exists()
    if first and participant.enrolled_on is not None and signed_on > participant.enrolled_on:
        sentence = (
            f"{participant.code} was enrolled on {participant.enrolled_on.isoformat()}; the first consent cannot "
            "have been signed after that."
        )
        raise Refused(Reason("consent_after_enrolment", sentence, "consent_date"))
