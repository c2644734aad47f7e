"""Reading sessions as those who run them see them, and the own list of a reader: neither holds an answer."""

from rest_framework import serializers

from studyportal.api.serializers.base import Rows, choice
from studyportal.reading.states import SessionStatus


class ReadingSessionRow(Rows):
    id = serializers.UUIDField()
    name = serializers.CharField()
    status = choice(SessionStatus)
    opened_at = serializers.DateTimeField()
    opened_by = serializers.CharField(source="opened_by.username")
    closed_at = serializers.DateTimeField(allow_null=True)
    design_digest = serializers.CharField()
    allocation_sha256 = serializers.CharField()


class ReaderProgressRow(Rows):
    reader = serializers.CharField(source="reader.code")
    done = serializers.IntegerField()
    total = serializers.IntegerField()
    median_seconds = serializers.FloatField(allow_null=True)
    last_at = serializers.DateTimeField(allow_null=True)
    corrections = serializers.IntegerField()
    repeats_done = serializers.IntegerField()
    attention_done = serializers.IntegerField()
    attention_missed = serializers.IntegerField()


class OwnReadingRow(Rows):
    session = serializers.CharField(source="part.session.name")
    reader = serializers.CharField(source="part.code")
    done = serializers.IntegerField()
    left = serializers.IntegerField()
    today = serializers.IntegerField()
    next_code = serializers.CharField(
        source="next_read.code", default=None, help_text="Code of the case that comes next"
    )
    waits_until = serializers.DateTimeField(
        allow_null=True, help_text="When the wash-out of the next round is over"
    )
