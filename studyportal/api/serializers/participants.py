"""Participants, their screening and their eligibility."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from studyportal.api.serializers.base import Body, Rows, choice
from studyportal.api.serializers.conduct import ConsentRow
from studyportal.participants.rules import Answer, Language, Sex, Verdict
from studyportal.participants.selectors import latest_assessment
from studyportal.participants.states import ParticipantStatus


class CriterionAnswerRow(Rows):
    criterion = serializers.CharField()
    answer = choice(Answer)
    source: Any = serializers.CharField()  # hides an attribute of the base class, as DRF allows
    reason = serializers.CharField()


class EligibilityRow(Rows):
    verdict = choice(Verdict)
    assessed_at = serializers.DateTimeField()
    protocol_version = serializers.CharField()
    answers = CriterionAnswerRow(many=True, source="answers.all")


class ParticipantRow(Rows):
    id = serializers.UUIDField()
    code = serializers.CharField()
    site = serializers.CharField(source="site.code")
    status = choice(ParticipantStatus)
    sex = choice(Sex)
    age_years = serializers.IntegerField()
    screening_date = serializers.DateField()
    enrolled_on = serializers.DateField(allow_null=True)


class ParticipantDetail(ParticipantRow):
    consents = ConsentRow(many=True, help_text="Every version that was signed")
    eligibility = serializers.SerializerMethodField(help_text="The assessment that counts")

    @extend_schema_field(EligibilityRow(allow_null=True))
    def get_eligibility(self, participant: Any) -> Any:
        assessment = latest_assessment(participant)
        return EligibilityRow(assessment).data if assessment else None


class ScreeningBody(Body):
    site = serializers.CharField(max_length=12, help_text="Code of the site")
    sex = choice(Sex)
    age_years = serializers.IntegerField()
    screening_date = serializers.DateField()
    consent_date = serializers.DateField(required=False, allow_null=True, default=None)
    consent_version = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=20
    )
    consent_language = choice(Language, required=False, allow_blank=True, default="")
    submission = serializers.UUIDField(
        required=False,
        allow_null=True,
        default=None,
        help_text="A key of your own; sending the same key again gives the same participant",
    )
    answers = serializers.DictField(
        child=choice(Answer), help_text="Criterion → met, not_met or unknown"
    )
