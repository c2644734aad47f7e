"""Screens, enrols and re-assesses participants."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction

from studyportal.core import clock
from studyportal.core.errors import Reason, Refused, refuse_if
from studyportal.core.models import User
from studyportal.core.services import advance, begin, record
from studyportal.participants.models import (
    Consent,
    EligibilityAssessment,
    Participant,
)
from studyportal.participants.rules import (
    Answer,
    ScreeningFacts,
    faults_of,
)
from studyportal.participants.selectors import (
    latest_assessment,
    offers_at,
    standing_consents,
)
from studyportal.participants.services.assessing import (
    follow_verdict,
    keep_assessment,
    settle_criteria,
)
from studyportal.participants.services.guarding import require_consent
from studyportal.participants.states import PARTICIPANT, ParticipantStatus
from studyportal.protocol.rules import Protocol
from studyportal.protocol.selectors import active_version, content_of
from studyportal.sites.rules import Action
from studyportal.sites.services import lock_site, require
from studyportal.sites.states import SiteStatus

if TYPE_CHECKING:
    from studyportal.sites.models import Site

# An override leads even somebody who failed screening back.
_BEFORE_ENROLMENT = (
    ParticipantStatus.SCREENED,
    ParticipantStatus.SCREEN_FAILED,
    ParticipantStatus.ELIGIBLE,
)


@transaction.atomic
def screen_participant(
    *,
    site: Site,
    facts: ScreeningFacts,
    by: User,
    submission: UUID | None = None,
    another_person: bool = True,
) -> Participant:
    """A participant exists with consent, answers and verdict, and stands where the verdict puts them.

    A form that was sent twice screens once. Unless it is said that this is `another_person`, somebody of the same
    sex and age who was screened at the site on the same day is taken for the same one.

    Raises
    ------
    Refused
        When the facts contradict themselves, the site does not recruit, or the person seems to be screened already.
    """
    require(by, Action.SCREEN_PARTICIPANT, site=site)
    known = _sent_before(site, submission)
    if known is not None:
        return known
    protocol = content_of(active_version())
    _refuse_facts(site, facts, protocol)
    if not another_person:
        _refuse_twin(site, facts)
    participant = Participant.objects.create(
        site=site,
        code=_next_code(site, digits=protocol.participant_code_digits),
        status=ParticipantStatus.SCREENED,
        sex=facts.sex,
        age_years=facts.age_years,  # type: ignore[misc]  # a missing age was refused above
        screening_date=facts.screening_date,
        created_at=clock.now(),
        created_by=by,
        submission=submission,
    )
    begin(participant, PARTICIPANT, by=by)
    _keep_consent(participant, facts)
    assessment = keep_assessment(participant, facts.answers, protocol, source="screening", by=by)
    follow_verdict(participant, assessment, by=by)
    record(
        "screen_participant",
        participant,
        f"{participant.code} was screened: {participant.get_status_display().replace('_', ' ')}.",
        by=by,
        site_code=site.code,
    )
    return participant


@transaction.atomic
def enrol_participant(*, participant: Participant, by: User) -> Participant:
    """An eligible participant is enrolled.

    Raises
    ------
    Refused
        When no consent stands, it was signed on a later day, a newer version must be signed, or they are not eligible.
    """
    require(by, Action.SCREEN_PARTICIPANT, site=participant.site)
    require_consent(participant)
    if participant.status == ParticipantStatus.ELIGIBLE and not (
        standing_consents(participant).filter(signed_on__lte=clock.today()).exists()
    ):
        sentence = f"No consent of {participant.code} is recorded. Record it before enrolment."
        raise Refused(Reason("consent_missing", sentence))
    advance(participant, PARTICIPANT, ParticipantStatus.ENROLLED, by=by, enrolled_on=clock.today())
    record(
        "enrol_participant",
        participant,
        f"{participant.code} was enrolled.",
        by=by,
        site_code=participant.site.code,
    )
    return participant


@transaction.atomic
def complete_screening(
    *,
    participant: Participant,
    answers: Mapping[str, Answer],
    consent_date: date | None,
    consent_version: str,
    consent_language: str = "",
    by: User,
) -> EligibilityAssessment:
    """The criteria left open at screening are answered, consent is kept, and the participant follows the verdict.

    Raises
    ------
    Refused
        When screening is over, or the answers contradict what is known.
    """
    require(by, Action.SCREEN_PARTICIPANT, site=participant.site)
    if participant.status != ParticipantStatus.SCREENED:
        raise Refused(Reason("screening_over", f"Screening of {participant.code} is over."))
    consent = standing_consents(participant).first()
    former = latest_assessment(participant)
    known = {row.criterion: Answer(row.answer) for row in former.answers.all()} if former else {}
    facts = ScreeningFacts(
        site_code=participant.site.code,
        sex=participant.sex,
        age_years=participant.age_years,
        screening_date=participant.screening_date,
        consent_date=consent.signed_on if consent else consent_date,
        consent_version=consent.version if consent else consent_version,
        answers={**known, **answers},
        consent_language=consent.language if consent else consent_language,
    )
    refuse_if(
        faults_of(
            facts,
            content_of(active_version()),
            today=clock.today(),
            offers=offers_at(participant.site),
            consent_kept=consent is not None,
        )
    )
    if consent is None:
        _keep_consent(participant, facts)
    return settle_criteria(participant=participant, answers=answers, source="screening", by=by)


def _refuse_facts(site: Site, facts: ScreeningFacts, protocol: Protocol) -> None:
    if facts.site_code != site.code:
        sentence = f"The facts are of {facts.site_code}, not of {site.code}."
        raise Refused(Reason("site_differs", sentence, "site"))
    refuse_if(faults_of(facts, protocol, today=clock.today(), offers=offers_at(site)))
    if site.status != SiteStatus.RECRUITING:
        raise Refused(Reason("site_not_recruiting", f"Site {site.code} is not recruiting."))


def _sent_before(site: Site, submission: UUID | None) -> Participant | None:
    if submission is None:
        return None
    lock_site(site)  # of two who send the same form at once the second waits for the first
    return Participant.objects.filter(site=site, submission=submission).first()


def _refuse_twin(site: Site, facts: ScreeningFacts) -> None:
    alike = Participant.objects.filter(sex=facts.sex, screening_date=facts.screening_date)
    twin = alike.filter(site=site, age_years=facts.age_years or 0).first()
    if twin is not None:
        sentence = (
            f"{twin.code} was screened here on the same day with the same sex and age. Say that this is another "
            "person, or leave it."
        )
        raise Refused(Reason("perhaps_screened", sentence, "another_person"))


def _keep_consent(participant: Participant, facts: ScreeningFacts) -> None:
    if facts.consent_date is not None:
        Consent.objects.create(
            participant=participant,
            version=facts.consent_version,
            language=facts.consent_language,
            signed_on=facts.consent_date,
        )


def _next_code(site: Site, *, digits: int) -> str:
    # The lock makes two coordinators of one site queue up, so numbers have no gaps and no twins.
    lock_site(site)
    last = (
        Participant.objects.filter(site=site)
        .order_by("-code")
        .values_list("code", flat=True)
        .first()
    )
    number = int(last.rsplit("-", 1)[1]) + 1 if last else 1
    return f"{site.code}-{number:0{digits}d}"
