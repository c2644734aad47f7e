"""Exports."""

from rest_framework import serializers

from studyportal.api.serializers.base import Body, Rows, choice
from studyportal.exports.states import DataFormat, ExportKind, ExportStatus


class ExportRow(Rows):
    id = serializers.UUIDField()
    kind = choice(ExportKind)
    run = serializers.UUIDField(source="run_id", allow_null=True)
    cut_name = serializers.CharField(source="run.cut.name", default=None, allow_null=True)
    site = serializers.CharField(source="site.code", default=None, allow_null=True)
    purpose = serializers.CharField()
    format = choice(DataFormat, allow_blank=True, help_text="Of clinical data; else empty")
    language = serializers.CharField(help_text="Of the labels of clinical data; else empty")
    with_drafts = serializers.BooleanField(
        help_text="Whether forms that are not complete are in it"
    )
    status = choice(ExportStatus)
    requested_at = serializers.DateTimeField()
    requested_by = serializers.CharField(source="requested_by.username")
    built_at = serializers.DateTimeField(allow_null=True)
    archive_sha256 = serializers.CharField()
    size = serializers.IntegerField()
    reason = serializers.CharField()


class ExportDetail(ExportRow):
    contents = serializers.ListField(
        child=serializers.DictField(),
        help_text="Name, digest and size of every file in it; of image pairs, of every participant",
    )
    left_out = serializers.DictField(
        child=serializers.IntegerField(), help_text="How many pairs were left out, by reason"
    )


class ExportBody(Body):
    run = serializers.UUIDField()


class ClinicalExportBody(Body):
    format = choice(DataFormat)
    site = serializers.CharField(
        required=False, help_text="Code of a site; all sites where it is not given"
    )
    language = serializers.ChoiceField(
        choices=["en", "zh"], default="en", help_text="Of the labels"
    )
    with_drafts = serializers.BooleanField(
        default=False, help_text="Forms that are not complete, too"
    )


class PairsExportBody(Body):
    site = serializers.CharField(
        required=False, help_text="Code of a site; all sites where it is not given"
    )
    reason = serializers.CharField(max_length=500, help_text="What the images are wanted for")
