"""Consent, withdrawal and people who declined."""

from rest_framework import serializers

from studyportal.api.serializers.base import Body, Rows, choice
from studyportal.participants.rules import AgeBand, DeclineReason, Language, Room, Scope, Sex, Why
from studyportal.participants.states import WithdrawalStatus


class ConsentRow(Rows):
    version = serializers.CharField()
    language = serializers.CharField()
    signed_on = serializers.DateField()
    withdrawn_on = serializers.DateField(allow_null=True)


class ConsentBody(Body):
    version = serializers.CharField(max_length=20)
    language = choice(Language, required=False, allow_blank=True, default="")
    signed_on = serializers.DateField()


class WithdrawBody(Body):
    scope = choice(Scope)
    withdrawn_on = serializers.DateField()
    why = choice(Why, required=False, default=Why.NOT_SAID.value)
    note = serializers.CharField(required=False, allow_blank=True, default="")


class WithdrawalRow(Rows):
    id = serializers.UUIDField()
    participant = serializers.CharField(source="participant.code")
    scope = choice(Scope)
    status = choice(WithdrawalStatus)
    withdrawn_on = serializers.DateField()
    recorded_at = serializers.DateTimeField()
    carried_out_at = serializers.DateTimeField(allow_null=True)
    confirmed_at = serializers.DateTimeField(allow_null=True)


class WithdrawalStepRow(Rows):
    room = choice(Room)
    counts = serializers.DictField(child=serializers.IntegerField())
    stays = serializers.ListField(child=serializers.CharField())
    waits_for = serializers.CharField()
    done_at = serializers.DateTimeField(allow_null=True)


class WithdrawalDetail(WithdrawalRow):
    steps = WithdrawalStepRow(many=True)


class DeclinedRow(Rows):
    id = serializers.UUIDField()
    site = serializers.CharField(source="site.code")
    declined_on = serializers.DateField()
    reason = choice(DeclineReason)
    sex = serializers.CharField()
    age_band = serializers.CharField()


class DeclinedBody(Body):
    site = serializers.CharField(max_length=12, help_text="Code of the site")
    declined_on = serializers.DateField()
    reason = choice(DeclineReason)
    sex = choice(Sex, required=False, allow_blank=True, default="")
    age_band = choice(AgeBand, required=False, allow_blank=True, default="")
    submission = serializers.UUIDField(
        help_text="A key of your own; sending the same key again changes nothing"
    )
