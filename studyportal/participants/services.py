"""Screens, enrols and re-assesses participants."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

from django.db import transaction

from studyportal.core import clock
from studyportal.core.errors import Reason, Refused, refuse_if
from studyportal.core.models import User
from studyportal.core.services import advance, begin, record
from studyportal.participants.models import (
    Consent,
    CriterionAnswer,
    EligibilityAssessment,
    Participant,
)
from studyportal.participants.rules import (
    Answer,
    ScreeningFacts,
    Verdict,
    assess,
    contradiction,
    faults_of,
)
from studyportal.participants.selectors import latest_assessment, screened_answers
from studyportal.participants.states import PARTICIPANT, ParticipantStatus
from studyportal.protocol.rules import Fact, Protocol
from studyportal.protocol.selectors import active_version, content_of
from studyportal.queries.rules import Asked
from studyportal.queries.services import Subject, settle_rules
from studyportal.sites.rules import Action
from studyportal.sites.services import lock_site, require
from studyportal.sites.states import SiteStatus

if TYPE_CHECKING:
    from studyportal.sites.models import Site


@transaction.atomic
def screen_participant(*, site: Site, facts: ScreeningFacts, by: User) -> Participant:
    """A participant exists with consent, answers and verdict, and stands where the verdict puts them.

    Raises
    ------
    Refused
        When the facts contradict themselves, or the site does not recruit.
    """
    require(by, Action.SCREEN_PARTICIPANT, site=site)
    version = active_version()
    protocol = content_of(version)
    if facts.site_code != site.code:
        raise Refused(
            Reason(
                "site_differs", f"The facts are of {facts.site_code}, not of {site.code}.", "site"
            )
        )
    refuse_if(faults_of(facts, protocol, today=clock.today()))
    if site.status != SiteStatus.RECRUITING or facts.age_years is None:
        raise Refused(Reason("site_not_recruiting", f"Site {site.code} is not recruiting."))
    participant = Participant.objects.create(
        site=site,
        code=_next_code(site, digits=protocol.participant_code_digits),
        status=ParticipantStatus.SCREENED,
        sex=facts.sex,
        age_years=facts.age_years,
        screening_date=facts.screening_date,
        created_at=clock.now(),
        created_by=by,
    )
    begin(participant, PARTICIPANT, by=by)
    if facts.consent_date is not None:
        Consent.objects.create(
            participant=participant, version=facts.consent_version, signed_on=facts.consent_date
        )
    assessment = _keep_assessment(participant, facts.answers, protocol, source="screening", by=by)
    _follow_verdict(participant, assessment, by=by)
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
    """An eligible participant is enrolled."""
    require(by, Action.SCREEN_PARTICIPANT, site=participant.site)
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
    consent = participant.consents.filter(withdrawn_on=None).first()
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
    )
    refuse_if(faults_of(facts, content_of(active_version()), today=clock.today()))
    if consent is None and consent_date is not None:
        Consent.objects.create(
            participant=participant, version=consent_version, signed_on=consent_date
        )
    return settle_criteria(participant=participant, answers=answers, source="screening", by=by)


def settle_fact(
    *, participant: Participant, fact: Fact, answer: Answer, source: str, by: User | None
) -> None:
    """The criterion that speaks of this fact is settled; a protocol without such a criterion asks for nothing."""
    code = content_of(active_version()).code_of(fact)
    if code:
        settle_criteria(participant=participant, answers={code: answer}, source=source, by=by)


@transaction.atomic
def settle_criteria(
    *, participant: Participant, answers: Mapping[str, Answer], source: str, by: User | None
) -> EligibilityAssessment:
    """A new assessment is kept in which these criteria are answered; the earlier ones stay as they were."""
    former = latest_assessment(participant)
    known = {row.criterion: Answer(row.answer) for row in former.answers.all()} if former else {}
    merged = {**known, **answers}
    if former is not None and merged == known:
        return former
    protocol = content_of(active_version())
    assessment = _keep_assessment(
        participant, merged, protocol, source=source, by=by, former=former
    )
    if participant.status in (ParticipantStatus.SCREENED, ParticipantStatus.ELIGIBLE):
        _follow_verdict(participant, assessment, by=by)
    _ask_about_contradictions(participant, assessment)
    settled = ", ".join(sorted(answers))
    record(
        "settle_criteria",
        participant,
        f"{participant.code}: {settled} settled by {source}; verdict {assessment.verdict.replace('_', ' ')}.",
        by=by,
        site_code=participant.site.code,
    )
    return assessment


def _ask_about_contradictions(participant: Participant, assessment: EligibilityAssessment) -> None:
    """The site is asked where another source contradicts what it answered at screening, and only while it does."""
    screened = screened_answers(participant)
    asked = []
    for row in assessment.answers.exclude(source="screening"):
        said = screened.get(row.criterion, Answer.UNKNOWN)
        answer = Answer(row.answer)
        question = contradiction(row.criterion, said, answer=answer, source=row.source)
        if question:
            evidence = f"{row.source}: {answer}"
            asked.append(Asked(row.criterion, question, "sources_contradict", evidence))
    subject = Subject(participant.site, participant.code, "screening", participant.pk)
    settle_rules(subject=subject, asked=asked)


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


def _keep_assessment(
    participant: Participant,
    answers: Mapping[str, Answer],
    protocol: Protocol,
    *,
    source: str,
    by: User | None,
    former: EligibilityAssessment | None = None,
) -> EligibilityAssessment:
    verdict = assess(answers, protocol.criteria)
    row = EligibilityAssessment.objects.create(
        participant=participant,
        protocol_version=active_version(),
        assessed_at=clock.now(),
        assessed_by=by,
        verdict=verdict.verdict,
    )
    reasons = {reason.id: reason.sentence for reason in (*verdict.reasons, *verdict.open_items)}
    before = {entry.criterion: entry for entry in former.answers.all()} if former else {}
    for criterion in protocol.criteria:
        answer = answers.get(criterion.code, Answer.UNKNOWN)
        earlier = before.get(criterion.code)
        CriterionAnswer.objects.create(
            assessment=row,
            criterion=criterion.code,
            answer=answer,
            source=earlier.source if earlier is not None and earlier.answer == answer else source,
            reason=reasons.get(criterion.code, ""),
        )
    return row


def _follow_verdict(
    participant: Participant, assessment: EligibilityAssessment, *, by: User | None
) -> None:
    targets = {
        Verdict.ELIGIBLE: ParticipantStatus.ELIGIBLE,
        Verdict.NOT_ELIGIBLE: ParticipantStatus.SCREEN_FAILED,
    }
    target = targets.get(Verdict(assessment.verdict))
    if target is not None and target != participant.status:
        standing = assessment.answers.exclude(reason="").exclude(answer=Answer.UNKNOWN)
        reasons = " ".join(standing.values_list("reason", flat=True))
        advance(
            participant,
            PARTICIPANT,
            target,
            by=by,
            reason=reasons if target == ParticipantStatus.SCREEN_FAILED else "",
        )
