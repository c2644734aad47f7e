"""Reads of participants, scoped to what the person may see."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, QuerySet, Subquery

from studyportal.participants.models import (
    Consent,
    CriterionAnswer,
    EligibilityAssessment,
    Participant,
)
from studyportal.participants.rules import Answer
from studyportal.participants.states import ParticipantStatus, WithdrawalStatus
from studyportal.sites.rules import Action
from studyportal.sites.selectors import Person, site_ids

if TYPE_CHECKING:
    from studyportal.sites.models import Site

ENROLLED = (ParticipantStatus.ENROLLED, ParticipantStatus.COMPLETED, ParticipantStatus.DISCONTINUED)


def participants_visible_to(user: Person) -> QuerySet[Participant]:
    """Participants of the sites at which the person may see participants."""
    return Participant.objects.filter(
        site__in=site_ids(user, Action.SEE_PARTICIPANTS)
    ).select_related("site")


def participant_for(user: Person, participant_id: UUID) -> Participant | None:
    """The participant, or None when it does not exist or the person may not see it."""
    rows = participants_visible_to(user).select_related("site", "created_by")
    return rows.filter(pk=participant_id).first()


def latest_assessment(participant: Participant) -> EligibilityAssessment | None:
    """The assessment that counts."""
    return participant.assessments.order_by("-assessed_at").first()


def assessments_of(participant: Participant) -> QuerySet[EligibilityAssessment]:
    """Every assessment that was ever made, newest first, with its answers."""
    return (
        EligibilityAssessment.objects.filter(participant=participant)
        .select_related("protocol_version", "assessed_by")
        .prefetch_related("answers")
        .order_by("-assessed_at")
    )


def answers_of(assessment: EligibilityAssessment) -> QuerySet[CriterionAnswer]:
    """The answers of one assessment, by criterion."""
    return assessment.answers.all()


def screened_answers(participant: Participant) -> dict[str, Answer]:
    """What the site last answered at screening, by criterion."""
    rows = CriterionAnswer.objects.filter(
        assessment__participant=participant, source="screening"
    ).order_by("assessment__assessed_at")
    return {code: Answer(answer) for code, answer in rows.values_list("criterion", "answer")}


def every_participant() -> QuerySet[Participant]:
    """All participants, for data cuts and the portal's own work."""
    return Participant.objects.select_related("site").order_by("code")


def participants_of(site: Site) -> QuerySet[Participant]:
    """All participants of one site, for the portal's own work."""
    return Participant.objects.filter(site=site)


def latest_answers() -> dict[UUID, dict[str, tuple[str, str]]]:
    """For every participant the answers that count: criterion → (answer, reason)."""
    newest = (
        EligibilityAssessment.objects.order_by("participant_id", "-assessed_at")
        .distinct("participant_id")
        .values_list("pk", "participant_id")
    )
    owner = dict(newest)
    answers: dict[UUID, dict[str, tuple[str, str]]] = {}
    for row in CriterionAnswer.objects.filter(assessment__in=owner):
        answers.setdefault(owner[row.assessment_id], {})[row.criterion] = (row.answer, row.reason)
    return answers


def with_open_criteria(rows: QuerySet[Participant]) -> QuerySet[Participant]:
    """The participants, each with `assessed_at` and the codes of its unanswered criteria as `open_criteria`."""
    newest = EligibilityAssessment.objects.filter(participant=OuterRef("pk")).order_by(
        "-assessed_at"
    )
    unanswered = CriterionAnswer.objects.filter(
        assessment=OuterRef("newest_assessment"), answer=Answer.UNKNOWN
    )
    return rows.annotate(
        newest_assessment=Subquery(newest.values("pk")[:1]),
        assessed_at=Subquery(newest.values("assessed_at")[:1]),
    ).annotate(open_criteria=ArraySubquery(unanswered.values("criterion")))


def assessed_at() -> Subquery:
    """When the assessment that counts was made, for the participant of the outer read."""
    newest = EligibilityAssessment.objects.filter(participant=OuterRef("pk"))
    return Subquery(newest.order_by("-assessed_at").values("assessed_at")[:1])


def with_criterion_open(codes: Iterable[str]) -> QuerySet[CriterionAnswer, Any]:
    """Participants of whom one of these criteria is unanswered in the assessment that counts, as a subquery."""
    unanswered = _counting().filter(criterion__in=list(codes), answer=Answer.UNKNOWN)
    return unanswered.order_by().values("assessment__participant")


def standing_against(participants: QuerySet[Participant, Any]) -> QuerySet[CriterionAnswer]:
    """Answers that stand in the way of these participants, in the assessment that counts."""
    rows = _counting().filter(assessment__participant__in=participants)
    return rows.exclude(reason="").exclude(answer=Answer.UNKNOWN)


def _counting() -> QuerySet[CriterionAnswer]:
    """Answers of assessments that no later one replaced."""
    later = EligibilityAssessment.objects.filter(
        participant=OuterRef("assessment__participant"),
        assessed_at__gt=OuterRef("assessment__assessed_at"),
    )
    return CriterionAnswer.objects.filter(~Exists(later))


def consents_of(participant: Participant) -> QuerySet[Consent]:
    """Consents of one participant, oldest first."""
    return Consent.objects.filter(participant=participant)


def without_consent_left() -> QuerySet[Participant]:
    """Participants who consented and withdrew every consent since, and whom no withdrawal is being carried out for."""
    standing = Consent.objects.filter(participant=OuterRef("pk"), withdrawn_on=None)
    gone = Participant.objects.filter(consents__isnull=False).exclude(Exists(standing))
    return gone.exclude(withdrawals__status=WithdrawalStatus.RECORDED).distinct()


def participant_coded(code: str) -> Participant | None:
    """The participant of this code, for reads that scope by site themselves."""
    return Participant.objects.filter(code=code.strip().upper()).first()


def codes_of(participant_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Study codes by id."""
    return dict(Participant.objects.filter(pk__in=participant_ids).values_list("pk", "code"))
