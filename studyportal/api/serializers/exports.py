"""Exports."""

from rest_framework import serializers

from studyportal.api.serializers.base import Body, Rows, choice
from studyportal.exports.states import ExportStatus


class ExportRow(Rows):
    id = serializers.UUIDField()
    run = serializers.UUIDField(source="run_id")
    cut_name = serializers.CharField(source="run.cut.name")
    status = choice(ExportStatus)
    requested_at = serializers.DateTimeField()
    requested_by = serializers.CharField(source="requested_by.username")
    built_at = serializers.DateTimeField(allow_null=True)
    archive_sha256 = serializers.CharField()
    size = serializers.IntegerField()
    reason = serializers.CharField()


class ExportDetail(ExportRow):
    contents = serializers.ListField(
        child=serializers.DictField(), help_text="Name, digest and size of every file in it"
    )


class ExportBody(Body):
    run = serializers.UUIDField()
