"""Model releases and synthesis jobs."""

from typing import Any

from rest_framework import serializers

from studyportal.api.serializers.base import Body, Rows, choice
from studyportal.syntheses.selectors import queue_position
from studyportal.syntheses.states import JobStatus, ReleaseStatus, SyntheticStatus


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
    stage = serializers.CharField()
    steps_done = serializers.IntegerField()
    steps_total = serializers.IntegerField()
    attempts = serializers.IntegerField()
    device = serializers.CharField()
    cancel_requested = serializers.BooleanField()
    requested_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField()


class JobDetail(JobRow):
    queue_position = serializers.SerializerMethodField(
        help_text="Place in the queue; empty when it does not wait"
    )
    synthetic_series = SyntheticRow(default=None, allow_null=True)

    def get_queue_position(self, job: Any) -> int | None:
        return queue_position(job)


class JobBody(Body):
    pair = serializers.UUIDField()
    release = serializers.UUIDField()
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1)
