"""Data queries, their thread, and what people do with them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from studyportal.api.serializers.base import Body, Rows, choice
from studyportal.queries.rules import ASKED_ROLES, LONGEST_TEXT
from studyportal.queries.selectors import messages_of
from studyportal.queries.states import MessageKind, QueryStatus
from studyportal.sites.rules import Role


class QueryMessageRow(Rows):
    kind = choice(MessageKind)
    text = serializers.CharField()
    at = serializers.DateTimeField()
    by = serializers.CharField(
        source="by.username", default=None, help_text="Empty when the portal spoke"
    )


class QueryRow(Rows):
    id = serializers.UUIDField()
    site = serializers.CharField(source="site.code")
    participant_code = serializers.CharField()
    form = serializers.CharField()
    field = serializers.CharField()
    subject = serializers.UUIDField(source="subject_id")
    rule = serializers.CharField(help_text="Empty when a person asked")
    status = choice(QueryStatus)
    question = serializers.CharField()
    assigned_to = choice(Role)
    opened_at = serializers.DateTimeField()
    opened_by = serializers.CharField(source="opened_by.username", default=None)
    answered_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)
    closed_by = serializers.CharField(source="closed_by.username", default=None)


class QueryDetail(QueryRow):
    messages = serializers.SerializerMethodField(help_text="The thread, oldest first")

    @extend_schema_field(QueryMessageRow(many=True))
    def get_messages(self, query: Any) -> Any:
        return QueryMessageRow(messages_of(query), many=True).data


class AskBody(Body):
    participant = serializers.UUIDField()
    form = serializers.CharField(max_length=30)
    field = serializers.CharField(max_length=60, required=False, allow_blank=True, default="")
    question = serializers.CharField(max_length=LONGEST_TEXT)
    assigned_to = choice(ASKED_ROLES, required=False, default=Role.COORDINATOR.value)


class TextBody(Body):
    text = serializers.CharField(max_length=LONGEST_TEXT)
