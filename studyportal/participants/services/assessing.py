"""Keeps assessments and lets participants follow their verdict."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from studyportal.core import clock
from studyportal.core.models import User
from studyportal.core.services import advance, record
from studyportal.participants.models import (
    CriterionAnswer,
    EligibilityAssessment,
    Participant,
)
from studyportal.participants.rules import (
    Answer,
    Verdict,
    assess,
    contradiction,
)
from studyportal.participants.selectors import (
    latest_assessment,
    overridden_criteria,
    screened_answers,
)
from studyportal.participants.states import PARTICIPANT, ParticipantStatus
from studyportal.protocol.rules import Fact, Protocol
from studyportal.protocol.selectors import active_version, content_of
from studyportal.queries.rules import Asked
from studyportal.queries.services import Subject, settle_rules

# An override leads even somebody who failed screening back.
_BEFORE_ENROLMENT = (
    ParticipantStatus.SCREENED,
    ParticipantStatus.SCREEN_FAILED,
    ParticipantStatus.ELIGIBLE,
)


def settle_fact(
    *, participant: Participant, fact: Fact, answer: Answer, source: str, by: User | None
) -> None:
    """The criterion that speaks of this fact is settled; a protocol without such a criterion asks for nothing."""
    code = content_of(active_version()).code_of(fact)
    if code:
        settle_criteria(participant=participant, answers={code: answer}, source=source, by=by)


@transaction.atomic
def assess_again(*, participant: Participant, by: User | None) -> EligibilityAssessment:
    """The answers as they are were judged anew, because what counts against them changed; earlier verdicts stay."""
    former = latest_assessment(participant)
    known = {row.criterion: Answer(row.answer) for row in former.answers.all()} if former else {}
    assessment = keep_assessment(
        participant,
        known,
        content_of(active_version()),
        source="screening",
        by=by,
        former=former,
    )
    if participant.status in _BEFORE_ENROLMENT:
        follow_verdict(participant, assessment, by=by)
    return assessment


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
    assessment = keep_assessment(participant, merged, protocol, source=source, by=by, former=former)
    if participant.status in (ParticipantStatus.SCREENED, ParticipantStatus.ELIGIBLE):
        follow_verdict(participant, assessment, by=by)
    ask_about_contradictions(participant, assessment)
    settled = ", ".join(sorted(answers))
    record(
        "settle_criteria",
        participant,
        f"{participant.code}: {settled} settled by {source}; verdict {assessment.verdict.replace('_', ' ')}.",
        by=by,
        site_code=participant.site.code,
    )
    return assessment


def ask_about_contradictions(participant: Participant, assessment: EligibilityAssessment) -> None:
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


def keep_assessment(
    participant: Participant,
    answers: Mapping[str, Answer],
    protocol: Protocol,
    *,
    source: str,
    by: User | None,
    former: EligibilityAssessment | None = None,
) -> EligibilityAssessment:
    overridden = overridden_criteria(participant)
    verdict = assess(answers, protocol.criteria, overridden=overridden)
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


def follow_verdict(
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
