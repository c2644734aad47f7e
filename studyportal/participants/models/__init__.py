from django.conf import settings
from django.db import models

from studyportal.core.models import Identified
from studyportal.core.tracking import SELF, tracked
from studyportal.participants.models.consent import ConsentVersion
from studyportal.participants.models.log import Declined, EligibilityOverride
from studyportal.participants.models.withdrawal import Withdrawal, WithdrawalStep
from studyportal.participants.rules import Answer, Language, Sex, Verdict
from studyportal.participants.states import ParticipantStatus

__all__ = [
    "Consent",
    "ConsentVersion",
    "CriterionAnswer",
    "Declined",
    "Disposition",
    "EligibilityAssessment",
    "EligibilityOverride",
    "Participant",
    "Withdrawal",
    "WithdrawalStep",
]


@tracked(
    participant=SELF,
    site="site",
    reason_for=("site", "code", "sex", "age_years", "screening_date", "enrolled_on"),
)
class Participant(Identified):
    """A person in the study, known here by a code only."""

    site = models.ForeignKey(
        "sites.Site", models.PROTECT, related_name="participants", help_text="Site"
    )
    code = models.CharField(
        max_length=20, unique=True, help_text="Study code, for example SPH-00001"
    )
    status = models.CharField(
        max_length=20, choices=[(s.value, s.value) for s in ParticipantStatus], help_text="Status"
    )
    sex = models.CharField(
        max_length=1, choices=[(s.value, s.name.lower()) for s in Sex], help_text="Sex, F or M"
    )
    age_years = models.PositiveSmallIntegerField(help_text="Age in years at screening")
    screening_date = models.DateField(help_text="Date of screening")
    created_at = models.DateTimeField(help_text="When the row was made (UTC)")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who screened"
    )
    enrolled_on = models.DateField(null=True, blank=True, help_text="Date of enrolment")
    submission = models.UUIDField(
        null=True,
        blank=True,
        unique=True,
        help_text="Key of the form that was sent, so that sending it twice screens once",
    )

    class Meta:
        ordering = ("code",)
        constraints = (
            models.CheckConstraint(condition=models.Q(age_years__lte=120), name="participant_age"),
            models.CheckConstraint(
                condition=~models.Q(
                    status__in=("enrolled", "completed", "discontinued"), enrolled_on=None
                ),
                name="participant_enrolled_has_date",
            ),
        )
        indexes = (models.Index(fields=("site", "status"), name="participant_site_status"),)

    def __str__(self) -> str:
        return self.code


@tracked(participant="participant", reason_for=("version", "signed_on", "withdrawn_on"))
class Consent(Identified):
    """One signed version of the consent form, and its withdrawal."""

    participant = models.ForeignKey(
        Participant, models.PROTECT, related_name="consents", help_text="Participant"
    )
    version = models.CharField(max_length=20, help_text="Version of the consent form")
    language = models.CharField(
        max_length=2,
        blank=True,
        choices=[(one.value, one.name.lower()) for one in Language],
        help_text="Language of the form that was signed; empty where it was not recorded",
    )
    signed_on = models.DateField(help_text="Date of signature")
    withdrawn_on = models.DateField(
        null=True, blank=True, help_text="Date of withdrawal; empty while it stands"
    )

    class Meta:
        ordering = ("signed_on",)
        constraints = (
            models.UniqueConstraint(fields=("participant", "version"), name="consent_version_once"),
            models.CheckConstraint(
                condition=models.Q(withdrawn_on=None)
                | models.Q(withdrawn_on__gte=models.F("signed_on")),
                name="consent_withdrawn_after_signed",
            ),
        )

    def __str__(self) -> str:
        return f"{self.participant} consent v{self.version}"


@tracked(participant="participant", reason_for=("protocol_version", "assessed_at", "verdict"))
class EligibilityAssessment(Identified):
    """One verdict under one protocol version; immutable, a new one is added when something settles."""

    participant = models.ForeignKey(
        Participant, models.PROTECT, related_name="assessments", help_text="Participant"
    )
    protocol_version = models.ForeignKey(
        "protocol.ProtocolVersion",
        models.PROTECT,
        related_name="+",
        help_text="Protocol version in force",
    )
    assessed_at = models.DateTimeField(help_text="When (UTC)")
    assessed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        help_text="Who; empty when the portal did it",
    )
    verdict = models.CharField(
        max_length=20, choices=[(v.value, v.value) for v in Verdict], help_text="Verdict"
    )

    class Meta:
        ordering = ("assessed_at",)
        indexes = (
            models.Index(fields=("participant", "-assessed_at"), name="assessment_that_counts"),
        )

    def __str__(self) -> str:
        return f"{self.participant}: {self.verdict}"


@tracked(
    participant="assessment__participant", reason_for=("criterion", "answer", "source", "reason")
)
class CriterionAnswer(models.Model):
    """The answer to one criterion in one assessment, with where it came from."""

    assessment = models.ForeignKey(
        EligibilityAssessment, models.PROTECT, related_name="answers", help_text="Assessment"
    )
    criterion = models.CharField(max_length=12, help_text="Code of the criterion")
    answer = models.CharField(
        max_length=10, choices=[(a.value, a.value) for a in Answer], help_text="Answer"
    )
    source = models.CharField(
        max_length=40, help_text="Where the answer came from: screening, imaging, pathology"
    )
    reason = models.TextField(
        blank=True, help_text="Why it stands in the way or is still open, in words"
    )

    class Meta:
        ordering = ("criterion",)
        constraints = (
            models.UniqueConstraint(
                fields=("assessment", "criterion"), name="criterion_answered_once"
            ),
        )
        indexes = (
            models.Index(
                fields=("criterion", "assessment"),
                condition=models.Q(answer="unknown"),
                name="criterion_unanswered",
            ),
        )

    def __str__(self) -> str:
        return f"{self.criterion}: {self.answer}"


@tracked(participant="participant", reason_for=("kind", "on", "reason"))
class Disposition(Identified):
    """How a participant's time in the study ended."""

    participant = models.OneToOneField(
        Participant, models.PROTECT, related_name="disposition", help_text="Participant"
    )
    kind = models.CharField(
        max_length=20,
        choices=[("completed", "completed"), ("discontinued", "discontinued")],
        help_text="How it ended",
    )
    on = models.DateField(help_text="Date")
    reason = models.TextField(help_text="Why, in words")

    class Meta:
        ordering = ("on",)

    def __str__(self) -> str:
        return f"{self.participant}: {self.kind}"
