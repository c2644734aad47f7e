"""Model releases and synthesis jobs."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from studyportal.api.filters import JobFilter, ReleaseFilter
from studyportal.api.serializers.imaging import NothingBody
from studyportal.api.serializers.syntheses import (
    BatchAnswer,
    BatchBody,
    JobBody,
    JobDetail,
    JobRow,
    MoveBody,
    PrimaryBody,
    ReleaseBody,
    ReleaseDetail,
    ReleaseRow,
)
from studyportal.api.views.base import RowEndpoint, named
from studyportal.imaging.selectors import pairs_visible_to
from studyportal.syntheses import services
from studyportal.syntheses.selectors import jobs_visible_to, preview_batch, releases_visible_to
from studyportal.syntheses.states import ReleaseStatus
from studyportal.tasks import dispatch


class ReleaseEndpoint(RowEndpoint):
    """Trained models, sealed by their digests."""

    row, detail_row = ReleaseRow, ReleaseDetail
    filterset_class = ReleaseFilter

    def get_queryset(self) -> QuerySet[Any]:
        return releases_visible_to(self.request.user)

    @extend_schema(request={"multipart/form-data": ReleaseBody}, responses={201: ReleaseDetail})
    @action(detail=False, methods=["post"], url_path="import", parser_classes=[MultiPartParser])
    def import_release(self, request: Request) -> Response:
        """A release that was made elsewhere is a candidate, every digest verified; nothing in it was run."""
        body = self.body(ReleaseBody)
        release = services.import_release(archive=body["archive"], by=self.person)
        return self.answer(release, status=201)

    @extend_schema(request=MoveBody, responses={200: ReleaseDetail})
    @action(detail=True, methods=["post"])
    def move(self, request: Request, pk: str) -> Response:
        """The release stands in another state, for a reason."""
        release, body = self.get_object(), self.body(MoveBody)
        release = services.move_release(
            release=release,
            target=ReleaseStatus(body["target"]),
            reason=body["reason"],
            by=self.person,
        )
        return self.answer(release)

    @extend_schema(request=PrimaryBody, responses={200: ReleaseDetail})
    @action(detail=True, methods=["post"], url_path="name-primary")
    def name_primary(self, request: Request, pk: str) -> Response:
        """The primary analysis of the protocol in force is tied to this release with this seed."""
        release, body = self.get_object(), self.body(PrimaryBody)
        services.name_primary_release(release=release, by=self.person, **body)
        return self.answer(release)


class JobEndpoint(RowEndpoint):
    """Requests to make a synthetic PET."""

    row, detail_row = JobRow, JobDetail
    filterset_class = JobFilter

    def get_queryset(self) -> QuerySet[Any]:
        return jobs_visible_to(self.request.user)

    @extend_schema(request=JobBody, responses={202: JobDetail})
    def create(self, request: Request) -> Response:
        """A job for this pair, release and seed is queued, or the one that exists is returned."""
        body = self.body(JobBody)
        pair = named(pairs_visible_to(self.request.user), body["pair"], "pair")
        release = named(releases_visible_to(self.request.user), body["release"], "release")
        job = services.request_synthesis(
            pair=pair, release=release, seed=body["seed"], by=self.person
        )
        dispatch.translate(job.pk)
        return self.answer(job, status=202)

    @extend_schema(request=BatchBody, responses={200: BatchAnswer, 202: BatchAnswer})
    @action(detail=False, methods=["post"])
    def batch(self, request: Request) -> Response:
        """Every ready pair has a job with this release and seed; or a preview of what would be new."""
        body = self.body(BatchBody)
        release = named(releases_visible_to(self.request.user), body["release"], "release")
        asked = {"release": release, "seed": body["seed"]}
        preview = preview_batch(self.person, **asked)
        answer = {
            "new": [pair.participant.code for pair in preview.new],
            "existing": len(preview.existing),
            "left_out": preview.left_out,
        }
        if body["preview"]:
            return Response(BatchAnswer(answer).data)
        made = services.request_ready_pairs(by=self.person, **asked)
        for job in made.jobs:
            dispatch.translate(job.pk)
        answer |= {"batch": made.batch, "new": [job.pair.participant.code for job in made.jobs]}
        return Response(BatchAnswer(answer).data, status=202)

    @extend_schema(request=NothingBody, responses={200: JobDetail})
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """A waiting job is cancelled; a running one is told to stop."""
        job = self.get_object()
        self.body(NothingBody)
        return self.answer(services.cancel_job(job=job, by=self.person))

    @extend_schema(request=NothingBody, responses={202: JobDetail})
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        """An errored job waits again."""
        job = self.get_object()
        self.body(NothingBody)
        job = services.retry_job(job=job, by=self.person)
        dispatch.translate(job.pk)
        return self.answer(job, status=202)
