"""Model releases and synthesis jobs."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from studyportal.api.serializers.base import Body, Rows, choice
from studyportal.core import clock
from studyportal.dashboards.queue import outlook
from studyportal.syntheses.selectors import current_primary, queue_position, role_of
from studyportal.syntheses.states import (
    AnalysisRole,
    AttemptCause,
    JobStatus,
    ReleaseStatus,
    SyntheticStatus,
)

if TYPE_CHECKING:
    from studyportal.syntheses.models import PrimaryRelease


class ReleaseRow(Rows):
    id = serializers.UUIDField()
    name = serializers.CharField()
    version = serializers.CharField()
    family = serializers.CharField()
    status = choice(ReleaseStatus)
    digest = serializers.CharField()
    weights_sha256 = serializers.CharField()
    registered_at = serializers.DateTimeField()


class ReleaseDetail(ReleaseRow):
    card = serializers.CharField()


class ReleaseBody(Body):
    archive = serializers.FileField(
        help_text="Zip of release.toml, model.safetensors and MODEL_CARD.md, or of a bundle"
    )


class MoveBody(Body):
    target = choice(ReleaseStatus)
    reason = serializers.CharField(max_length=2000)


class SyntheticRow(Rows):
    id = serializers.UUIDField()
    status = choice(SyntheticStatus)
    series_uid = serializers.CharField()
    series_sha256 = serializers.CharField()
    stored_files = serializers.IntegerField()
    faults = serializers.ListField(child=serializers.CharField())
    facts = serializers.DictField()
    produced_at = serializers.DateTimeField()


class JobRow(Rows):
    id = serializers.UUIDField()
    pair = serializers.UUIDField(source="pair_id")
    participant_code = serializers.CharField(source="pair.participant.code")
    site = serializers.CharField(source="pair.participant.site.code")
    release = serializers.UUIDField(source="release_id")
    release_name = serializers.CharField(source="release")
    seed = serializers.IntegerField()
    status = choice(JobStatus)
    analysis_role = serializers.SerializerMethodField(
        help_text="primary when the protocol's analysis is tied to this release and seed"
    )
    batch = serializers.UUIDField(source="batch_id", allow_null=True)
    stage = serializers.CharField()
    steps_done = serializers.IntegerField()
    steps_total = serializers.IntegerField()
    attempts = serializers.IntegerField()
    device = serializers.CharField()
    cancel_requested = serializers.BooleanField()
    requested_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    not_before = serializers.DateTimeField(
        allow_null=True, help_text="Before which it is not tried again"
    )
    reason = serializers.CharField()

    @extend_schema_field(choice(AnalysisRole))
    def get_analysis_role(self, job: Any) -> str:
        return role_of(job, self._primary).value

    @cached_property
    def _primary(self) -> PrimaryRelease | None:
        return current_primary()  # one serializer writes a whole list, and reads it once


class AttemptRow(Rows):
    number = serializers.IntegerField()
    began_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    device = serializers.CharField()
    outcome = serializers.CharField()
    cause = serializers.CharField(help_text=", ".join(AttemptCause))
    reason = serializers.CharField()


class JobDetail(JobRow):
    queue_position = serializers.SerializerMethodField(
        help_text="Place in the queue; empty when it does not wait"
    )
    expected_end = serializers.SerializerMethodField(
        help_text="From the measured pace of earlier jobs; empty when it is not known"
    )
    attempt_rows = AttemptRow(many=True)
    synthetic_series = SyntheticRow(default=None, allow_null=True)

    def get_expected_end(self, job: Any) -> datetime | None:
        return outlook(clock.now()).of(job).ends_at

    def get_queue_position(self, job: Any) -> int | None:
        return queue_position(job)


class JobBody(Body):
    pair = serializers.UUIDField()
    release = serializers.UUIDField()
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1)


class BatchBody(Body):
    release = serializers.UUIDField()
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1)
    preview = serializers.BooleanField(
        default=False, help_text="Only say what the request would do"
    )


class LeftOutRow(Rows):
    pair = serializers.UUIDField(source="pair.pk")
    participant_code = serializers.CharField(source="pair.participant.code")
    why = serializers.CharField()


class BatchAnswer(Rows):
    batch = serializers.UUIDField(
        source="batch.pk", default=None, allow_null=True, help_text="Empty when nothing was new"
    )
    new = serializers.ListField(
        child=serializers.CharField(), help_text="Codes of participants who get a job"
    )
    existing = serializers.IntegerField(help_text="Ready pairs that have such a job already")
    left_out = LeftOutRow(many=True)


class PrimaryBody(Body):
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, default=0)
    reason = serializers.CharField(max_length=2000)
