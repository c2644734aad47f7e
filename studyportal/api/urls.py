"""Addresses of the API."""

from typing import Any

from django.urls import URLPattern, URLResolver, path, re_path
from rest_framework.routers import SimpleRouter

from studyportal.api.views.access import NotFoundEndpoint, SchemaView, TokenEndpoint
from studyportal.api.views.conduct import DeclinedEndpoint, WithdrawalEndpoint
from studyportal.api.views.imaging import PairEndpoint, SeriesEndpoint, UploadEndpoint
from studyportal.api.views.outcomes import (
    ComparisonEndpoint,
    CutEndpoint,
    ExportEndpoint,
    RunEndpoint,
)
from studyportal.api.views.queries import QueryEndpoint
from studyportal.api.views.reading import OwnReadingEndpoint, ReadingSessionEndpoint
from studyportal.api.views.study import ParticipantEndpoint, SiteEndpoint
from studyportal.api.views.syntheses import JobEndpoint, ReleaseEndpoint

app_name = "api"

router = SimpleRouter()
router.register("sites", SiteEndpoint, basename="sites")
router.register("participants", ParticipantEndpoint, basename="participants")
router.register("withdrawals", WithdrawalEndpoint, basename="withdrawals")
router.register("declined", DeclinedEndpoint, basename="declined")
router.register("scan-pairs", PairEndpoint, basename="scan-pairs")
router.register("series", SeriesEndpoint, basename="series")
router.register("uploads", UploadEndpoint, basename="uploads")
router.register("data-queries", QueryEndpoint, basename="data-queries")
router.register("model-releases", ReleaseEndpoint, basename="model-releases")
router.register("synthesis-jobs", JobEndpoint, basename="synthesis-jobs")
router.register("reading-sessions", ReadingSessionEndpoint, basename="reading-sessions")
router.register("reading-list", OwnReadingEndpoint, basename="reading-list")
router.register("data-cuts", CutEndpoint, basename="data-cuts")
router.register("evaluation-runs", RunEndpoint, basename="evaluation-runs")
router.register("release-comparisons", ComparisonEndpoint, basename="release-comparisons")
router.register("exports", ExportEndpoint, basename="exports")

_EVERY_METHOD: dict[str, Any] = dict.fromkeys(("get", "post", "put", "patch", "delete"), "any")

urlpatterns: list[URLPattern | URLResolver] = [
    path(
        "token/",
        TokenEndpoint.as_view({"post": "create", "delete": "destroy"}, basename="token"),
        name="token",
    ),
    path("schema/", SchemaView.as_view(), name="schema"),
    *router.urls,
    re_path(
        r"^(?P<rest>.*)$",
        NotFoundEndpoint.as_view(_EVERY_METHOD, basename="not-found"),
        name="not-found",
    ),
]
