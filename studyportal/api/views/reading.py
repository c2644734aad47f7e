"""Reading sessions without results, and a reader's own list without anything that unblinds."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from studyportal.api.filters import ReadingSessionFilter
from studyportal.api.serializers.reading import (
    OwnReadingRow,
    ReaderProgressRow,
    ReadingSessionRow,
)
from studyportal.api.views.base import Endpoint, RowEndpoint
from studyportal.reading.selectors import own_lists, progress_of, sessions_visible_to


class ReadingSessionEndpoint(RowEndpoint):
    """Reading sessions and how far they are; results have no endpoint."""

    row = detail_row = ReadingSessionRow
    filterset_class = ReadingSessionFilter

    def get_queryset(self) -> QuerySet[Any]:
        return sessions_visible_to(self.request.user)

    @extend_schema(responses={200: ReaderProgressRow(many=True)})
    @action(detail=True, methods=["get"], pagination_class=None, filter_backends=[])
    def progress(self, request: Request, pk: str) -> Response:
        """Each reader: how much is read, how fast, and the checks of quality."""
        rows = progress_of(self.get_object())
        return Response(ReaderProgressRow(rows, many=True).data)


class OwnReadingEndpoint(Endpoint):
    """What the person reads in open sessions."""

    serializer_class = OwnReadingRow
    pagination_class = None
    filter_backends: list[Any] = []

    @extend_schema(responses={200: OwnReadingRow(many=True)})
    def list(self, request: Request) -> Response:
        """How far the person is in each open session, and the code of the next case."""
        return Response(OwnReadingRow(own_lists(self.person), many=True).data)
