"""Pairs, series, findings and uploads."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from studyportal.api.serializers.base import Body, Rows, choice
from studyportal.imaging.selectors import open_findings, waiting_files
from studyportal.imaging.states import Grade, PairStatus, SeriesRole, SeriesStatus


class FindingRow(Rows):
    id = serializers.UUIDField()
    series = serializers.UUIDField(source="series_id", allow_null=True)
    rule = serializers.CharField()
    grade = choice(Grade)
    sentence = serializers.CharField()
    values = serializers.DictField()
    found_at = serializers.DateTimeField()
    accepted_at = serializers.DateTimeField(allow_null=True)
    accepted_by = serializers.CharField(source="accepted_by.username", default=None)
    accepted_reason = serializers.CharField()


class PairRow(Rows):
    id = serializers.UUIDField()
    participant = serializers.UUIDField(source="participant_id")
    participant_code = serializers.CharField(source="participant.code")
    site = serializers.CharField(source="participant.site.code")
    status = choice(PairStatus)
    opened_at = serializers.DateTimeField()
    settled_at = serializers.DateTimeField(allow_null=True)
    exclusion_reason = serializers.CharField()


class SeriesRow(Rows):
    id = serializers.UUIDField()
    pair = serializers.UUIDField(source="pair_id")
    participant_code = serializers.CharField(source="pair.participant.code")
    site = serializers.CharField(source="pair.participant.site.code")
    role = choice(SeriesRole)
    status = choice(SeriesStatus)
    received_files = serializers.IntegerField()
    stored_files = serializers.IntegerField()
    stored_bytes = serializers.IntegerField()
    opened_at = serializers.DateTimeField()
    settled_at = serializers.DateTimeField(allow_null=True)


class SeriesDetail(SeriesRow):
    series_uid = serializers.CharField(help_text="Pseudonymous SeriesInstanceUID")
    received_digest = serializers.CharField()
    manifest_sha256 = serializers.CharField()
    summary = serializers.DictField(help_text="Facts of the de-identified header")
    suv = serializers.DictField(help_text="SUV conversion")
    deidentification = serializers.DictField(help_text="How often each rule acted")


class PairDetail(PairRow):
    series = SeriesRow(many=True, source="series.all")
    findings = serializers.SerializerMethodField(help_text="Findings that count, worst first")

    @extend_schema_field(FindingRow(many=True))
    def get_findings(self, pair: Any) -> Any:
        return FindingRow(open_findings(pair), many=True).data


class UploadRow(SeriesRow):
    waiting_files = serializers.SerializerMethodField(
        help_text="Different files received and not yet handed to intake"
    )

    def get_waiting_files(self, series: Any) -> int:
        return len(waiting_files(series.pk))


class UploadBody(Body):
    participant = serializers.UUIDField()
    role = choice(SeriesRole)
    option = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=200,
        help_text="Outlines: names of the regions to take, empty for all",
    )


class FilesBody(Body):
    files = serializers.ListField(
        child=serializers.FileField(allow_empty_file=True), allow_empty=False, max_length=2000
    )


class ReceivedRow(Rows):
    received = serializers.ListField(
        child=serializers.CharField(), help_text="SHA-256 of each file, in the order sent"
    )
    waiting_files = serializers.IntegerField()


class CompleteBody(Body):
    announced = serializers.IntegerField(
        required=False,
        min_value=1,
        default=None,
        allow_null=True,
        help_text="Different files that were sent; refused when another number arrived",
    )


class AcceptFindingBody(Body):
    finding = serializers.UUIDField()
    reason = serializers.CharField(max_length=2000)


class ArtefactsBody(Body):
    artefacts = serializers.BooleanField()
    reason = serializers.CharField(max_length=2000)


class ReasonBody(Body):
    reason = serializers.CharField(max_length=2000)


class NothingBody(Body):
    """A request that says everything by its address."""
