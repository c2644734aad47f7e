"""Data cuts, evaluation runs and their results."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from studyportal.api.serializers.base import Body, Rows, choice
from studyportal.outcomes.selectors import files_of, measured_share, results_of_comparison
from studyportal.outcomes.services import MOST_RELEASES
from studyportal.outcomes.states import ComparisonStatus, CutStatus, RunStatus
from studyportal.syntheses.states import AnalysisRole


class CutRow(Rows):
    id = serializers.UUIDField()
    name = serializers.CharField()
    status = choice(CutStatus)
    role = choice(AnalysisRole)
    protocol_version = serializers.CharField()
    release = serializers.UUIDField(source="release_id")
    release_name = serializers.CharField(source="release")
    plan_digest = serializers.CharField()
    tables_sha256 = serializers.CharField()
    frozen_at = serializers.DateTimeField(allow_null=True)
    frozen_by = serializers.CharField(source="frozen_by.username", default=None)


class CutDetail(CutRow):
    plan = serializers.CharField(source="plan_text")
    software = serializers.DictField()
    pairs = serializers.SerializerMethodField(help_text="Pairs in the cut")
    measured = serializers.SerializerMethodField(help_text="Pairs that are measured")

    def get_pairs(self, cut: Any) -> int:
        return measured_share(cut)[1]

    def get_measured(self, cut: Any) -> int:
        return measured_share(cut)[0]


class CutBody(Body):
    name = serializers.CharField(max_length=80)
    release = serializers.UUIDField()
    plan = serializers.CharField(
        trim_whitespace=False, max_length=200_000, help_text="Analysis plan (TOML)"
    )

    exploratory = serializers.BooleanField(
        default=False, help_text="Any release; no result of the cut counts as primary"
    )

    def validate_plan(self, text: str) -> str:
        # A plan of one line without its end would be taken for the name of a file on the server.
        return text if text.endswith("\n") else f"{text}\n"


class RunRow(Rows):
    id = serializers.UUIDField()
    cut = serializers.UUIDField(source="cut_id")
    cut_name = serializers.CharField(source="cut.name")
    status = choice(RunStatus)
    planned_at = serializers.DateTimeField()
    planned_by = serializers.CharField(source="planned_by.username")
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField()


class RunFileRow(Rows):
    name = serializers.CharField()
    sha256 = serializers.CharField()
    size = serializers.IntegerField()


class RunDetail(RunRow):
    provenance = serializers.DictField()
    files = serializers.SerializerMethodField(help_text="Files of the report; none while sealed")
    pairs = serializers.SerializerMethodField(help_text="Pairs in the cut")
    measured = serializers.SerializerMethodField(help_text="Pairs that are measured")

    @extend_schema_field(RunFileRow(many=True))
    def get_files(self, run: Any) -> Any:
        return RunFileRow(files_of(run), many=True).data

    def get_pairs(self, run: Any) -> int:
        return measured_share(run.cut)[1]

    def get_measured(self, run: Any) -> int:
        return measured_share(run.cut)[0]


class RunBody(Body):
    cut = serializers.UUIDField()


class ResultEntry(Rows):
    order = serializers.IntegerField()
    endpoint = serializers.CharField()
    family = serializers.CharField()
    quantity = serializers.CharField()
    test = serializers.CharField()
    target_condition = serializers.CharField()
    unit = serializers.CharField()
    region = serializers.CharField()
    analysis_set = serializers.CharField()
    analysis = serializers.CharField()
    subgroup = serializers.CharField()
    statistic = serializers.CharField()
    value = serializers.FloatField(allow_null=True)
    lower = serializers.FloatField(allow_null=True)
    upper = serializers.FloatField(allow_null=True)
    level = serializers.FloatField(allow_null=True)
    n = serializers.IntegerField(allow_null=True)
    clusters = serializers.IntegerField(allow_null=True)
    missing = serializers.IntegerField(allow_null=True)
    unit_of_value = serializers.CharField()
    method = serializers.CharField()
    reason = serializers.CharField()
    prespecified = serializers.BooleanField()
    exploratory = serializers.CharField()


class ComparisonRow(Rows):
    id = serializers.UUIDField()
    cut = serializers.UUIDField(source="cut_id")
    cut_name = serializers.CharField(source="cut.name")
    status = choice(ComparisonStatus)
    releases = serializers.SerializerMethodField(help_text="Ids of the releases, the first first")
    planned_at = serializers.DateTimeField()
    planned_by = serializers.CharField(source="planned_by.username")
    ended_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField()
    results_sha256 = serializers.CharField()

    def get_releases(self, comparison: Any) -> list[str]:
        return [str(one.release_id) for one in comparison.compared.all()]


class ComparisonDetail(ComparisonRow):
    results = serializers.SerializerMethodField(
        help_text="Rows, releases and provenance; empty until it is completed"
    )

    def get_results(self, comparison: Any) -> dict[str, Any] | None:
        return results_of_comparison(comparison)


class ComparisonBody(Body):
    cut = serializers.UUIDField()
    releases = serializers.ListField(
        child=serializers.UUIDField(), min_length=2, max_length=MOST_RELEASES
    )
