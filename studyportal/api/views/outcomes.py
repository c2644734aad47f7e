"""Data cuts, evaluation runs, results and exports."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import FileResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.generics import get_object_or_404
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response

from studyportal.api.filters import (
    ComparisonFilter,
    CutFilter,
    ExportFilter,
    ResultFilter,
    RunFilter,
)
from studyportal.api.serializers.exports import (
    ClinicalExportBody,
    ExportBody,
    ExportDetail,
    ExportRow,
    PairsExportBody,
)
from studyportal.api.serializers.outcomes import (
    ComparisonBody,
    ComparisonDetail,
    ComparisonRow,
    CutBody,
    CutDetail,
    CutRow,
    ResultEntry,
    RunBody,
    RunDetail,
    RunRow,
)
from studyportal.api.views.base import RowEndpoint, named, named_by
from studyportal.exports import services as export_services
from studyportal.exports.selectors import exports_visible_to
from studyportal.exports.states import DataFormat
from studyportal.outcomes import services
from studyportal.outcomes.selectors import (
    comparisons_visible_to,
    cuts_visible_to,
    results_of,
    runs_visible_to,
    unmeasured_compared,
    unmeasured_of,
)
from studyportal.outcomes.states import Seen
from studyportal.sites.rules import Action
from studyportal.sites.selectors import sites_visible_to
from studyportal.syntheses.selectors import releases_visible_to
from studyportal.tasks import dispatch


class AnyAccept(BaseContentNegotiation):
    """The client may accept the zip only; a refusal is JSON all the same."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> Any:
        return renderers[0], renderers[0].media_type


class CutEndpoint(RowEndpoint):
    """Which pairs, series and versions an evaluation speaks of."""

    row, detail_row = CutRow, CutDetail
    filterset_class = CutFilter

    def get_queryset(self) -> QuerySet[Any]:
        return cuts_visible_to(self.request.user)

    @extend_schema(request=CutBody, responses={201: CutDetail})
    def create(self, request: Request) -> Response:
        """A frozen cut exists with every pair that can be compared."""
        body = self.body(CutBody)
        release = named(releases_visible_to(self.request.user), body["release"], "release")
        cut = services.freeze_cut(
            name=body["name"],
            release=release,
            plan_text=body["plan"],
            exploratory=body["exploratory"],
            by=self.person,
        )
        return self.answer(cut, status=201)


class RunEndpoint(RowEndpoint):
    """Analyses of cuts under their plans."""

    row, detail_row = RunRow, RunDetail
    filterset_class = RunFilter

    def get_queryset(self) -> QuerySet[Any]:
        return runs_visible_to(self.request.user)

    @extend_schema(request=RunBody, responses={202: RunDetail})
    def create(self, request: Request) -> Response:
        """A run is planned; its pairs are measured and then analysed."""
        body = self.body(RunBody)
        cut = named(cuts_visible_to(self.request.user), body["cut"], "cut")
        run = services.plan_run(cut=cut, by=self.person)
        for pair in unmeasured_of(cut):
            dispatch.measure(pair.pk)
        dispatch.analyse(run.pk)
        return self.answer(run, status=202)

    @extend_schema(responses={200: ResultEntry(many=True)}, filters=True)
    @action(detail=True, filterset_class=ResultFilter)
    def results(self, request: Request, pk: UUID) -> Response:
        """Estimates with interval, denominators and method, in the order of the report."""
        run = get_object_or_404(self.get_queryset(), pk=pk)
        page = self.paginate_queryset(self.filter_queryset(results_of(run)))
        if page:
            services.note_look(cut=run.cut, what=Seen.ROWS_API, by=self.person)
        return self.get_paginated_response(ResultEntry(page, many=True).data)


class ComparisonEndpoint(RowEndpoint):
    """Releases compared on the pairs of one cut; exploratory."""

    row, detail_row = ComparisonRow, ComparisonDetail
    filterset_class = ComparisonFilter

    def get_queryset(self) -> QuerySet[Any]:
        return comparisons_visible_to(self.request.user)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A comparison; its results once the final analysis of its cut is opened."""
        answer = super().retrieve(request, *args, **kwargs)
        if answer.data.get("results"):
            cut = self.get_object().cut
            services.note_look(cut=cut, what=Seen.COMPARISON_API, by=self.person)
        return answer

    @extend_schema(request=ComparisonBody, responses={202: ComparisonDetail})
    def create(self, request: Request) -> Response:
        """A comparison is planned; its series are measured and then compared."""
        body = self.body(ComparisonBody)
        cut = named(cuts_visible_to(self.request.user), body["cut"], "cut")
        known = releases_visible_to(self.request.user)
        releases = [named(known, key, "releases") for key in body["releases"]]
        comparison = services.plan_comparison(cut=cut, releases=releases, by=self.person)
        for series in unmeasured_compared().filter(compared__comparison=comparison):
            dispatch.measure_compared(series.pk)
        return self.answer(comparison, status=202)


class ExportEndpoint(RowEndpoint):
    """Exports of completed runs, of clinical data and of image pairs to train on."""

    row, detail_row = ExportRow, ExportDetail
    filterset_class = ExportFilter

    def get_queryset(self) -> QuerySet[Any]:
        return exports_visible_to(self.request.user)

    @extend_schema(request=ExportBody, responses={202: ExportDetail})
    def create(self, request: Request) -> Response:
        """An export of a completed run waits to be built."""
        body = self.body(ExportBody)
        run = named(runs_visible_to(self.request.user), body["run"], "run")
        export = export_services.request_export(run=run, by=self.person)
        dispatch.build_export(export.pk)
        return self.answer(export, status=202)

    @extend_schema(request=PairsExportBody, responses={202: ExportDetail})
    @action(detail=False, methods=["post"])
    def pairs(self, request: Request) -> Response:
        """An export of the ready CT/PET pairs, for training, waits to be built."""
        body = self.body(PairsExportBody)
        export = export_services.request_pairs_export(
            site=self._site(body), reason=body["reason"], by=self.person
        )
        dispatch.build_export(export.pk)
        return self.answer(export, status=202)

    @extend_schema(request=ClinicalExportBody, responses={202: ExportDetail})
    @action(detail=False, methods=["post"])
    def clinical(self, request: Request) -> Response:
        """An export of the clinical data, in one format, waits to be built."""
        body = self.body(ClinicalExportBody)
        export = export_services.request_clinical_export(
            file_format=DataFormat(body["format"]),
            site=self._site(body),
            language=body["language"],
            with_drafts=body["with_drafts"],
            by=self.person,
        )
        dispatch.build_export(export.pk)
        return self.answer(export, status=202)

    def _site(self, body: dict[str, Any]) -> Any:
        sites = sites_visible_to(self.request.user, Action.EXPORT)
        code = body.get("site")
        return named_by(sites, "code", code, field="site") if code else None

    @extend_schema(responses={(200, "application/zip"): OpenApiTypes.BINARY})
    @action(detail=True, content_negotiation_class=AnyAccept)
    def download(self, request: Request, pk: str) -> HttpResponseBase:
        """The zip; who took it is kept."""
        export = self.get_object()
        path = export_services.download_export(export=export, by=self.person)
        return FileResponse(
            path.open("rb"),
            as_attachment=True,
            filename=f"studyportal-export-{export.archive_sha256[:12]}.zip",
            content_type="application/zip",
        )
