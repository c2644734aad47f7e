"""Uploads, series, pairs and what people decide about findings."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from studyportal.api.filters import PairFilter, SeriesFilter
from studyportal.api.serializers.imaging import (
    AcceptFindingBody,
    ArtefactsBody,
    CompleteBody,
    FilesBody,
    PairDetail,
    PairRow,
    ReasonBody,
    ReceivedRow,
    SeriesDetail,
    SeriesRow,
    UploadBody,
    UploadRow,
)
from studyportal.api.views.base import RowEndpoint, named
from studyportal.imaging import services
from studyportal.imaging.selectors import (
    open_findings,
    pairs_visible_to,
    series_visible_to,
    waiting_files,
)
from studyportal.imaging.states import SeriesRole
from studyportal.participants.selectors import participants_visible_to
from studyportal.tasks import dispatch


class PairEndpoint(RowEndpoint):
    """Pairs of CT and PET with their findings."""

    row, detail_row = PairRow, PairDetail
    filterset_class = PairFilter

    def get_queryset(self) -> QuerySet[Any]:
        return pairs_visible_to(self.request.user)

    @extend_schema(request=AcceptFindingBody, responses={200: PairDetail})
    @action(detail=True, methods=["post"], url_path="accept-finding")
    def accept_finding(self, request: Request, pk: str) -> Response:
        """A finding of this pair no longer stands in the way, for a reason."""
        pair, body = self.get_object(), self.body(AcceptFindingBody)
        finding = named(open_findings(pair), body["finding"], "finding")
        services.accept_finding(finding=finding, reason=body["reason"], by=self.person)
        pair.refresh_from_db()
        return self.answer(pair)

    @extend_schema(request=ArtefactsBody, responses={200: PairDetail})
    @action(detail=True, methods=["post"], url_path="judge-artefacts")
    def judge_artefacts(self, request: Request, pk: str) -> Response:
        """A person looked at the images; with artefacts the pair is excluded."""
        pair, body = self.get_object(), self.body(ArtefactsBody)
        return self.answer(services.judge_artefacts(pair=pair, by=self.person, **body))

    @extend_schema(request=ReasonBody, responses={200: PairDetail})
    @action(detail=True, methods=["post"])
    def exclude(self, request: Request, pk: str) -> Response:
        """The pair is out of every analysis, for a reason."""
        pair, body = self.get_object(), self.body(ReasonBody)
        return self.answer(services.exclude_pair(pair=pair, by=self.person, **body))


class SeriesEndpoint(RowEndpoint):
    """Series after de-identification."""

    row, detail_row = SeriesRow, SeriesDetail
    filterset_class = SeriesFilter

    def get_queryset(self) -> QuerySet[Any]:
        return series_visible_to(self.request.user)


class UploadEndpoint(RowEndpoint):
    """Sending a series: open, send the files in as many requests as it takes, complete."""

    row = detail_row = UploadRow
    filterset_class = SeriesFilter

    def get_queryset(self) -> QuerySet[Any]:
        return series_visible_to(self.request.user)

    @extend_schema(request=UploadBody, responses={201: UploadRow})
    def create(self, request: Request) -> Response:
        """An empty series waits for files."""
        body = self.body(UploadBody)
        participant = named(
            participants_visible_to(self.request.user), body["participant"], "participant"
        )
        series = services.open_series(
            participant=participant,
            role=SeriesRole(body["role"]),
            option=body["option"],
            by=self.person,
        )
        return self.answer(series, status=201)

    @extend_schema(request={"multipart/form-data": FilesBody}, responses={200: ReceivedRow})
    @action(detail=True, methods=["post"], parser_classes=[MultiPartParser])
    def files(self, request: Request, pk: str) -> Response:
        """One or many files lie in quarantine; sending a file again changes nothing."""
        series, body = self.get_object(), self.body(FilesBody)
        digests = [
            services.add_file(series=series, stream=sent, by=self.person) for sent in body["files"]
        ]
        return Response({"received": digests, "waiting_files": len(waiting_files(series.pk))})

    @extend_schema(request=CompleteBody, responses={202: UploadRow})
    @action(detail=True, methods=["post"])
    def complete(self, request: Request, pk: str) -> Response:
        """Every file is here and intake begins."""
        series, body = self.get_object(), self.body(CompleteBody)
        series = services.complete_series(
            series=series, announced=body["announced"], by=self.person
        )
        dispatch.check_series(series.pk)
        return self.answer(series, status=202)
