"""Data queries."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from studyportal.api.filters import QueryFilter
from studyportal.api.serializers.queries import AskBody, QueryDetail, QueryRow, TextBody
from studyportal.api.views.base import RowEndpoint, named
from studyportal.participants.selectors import participants_visible_to
from studyportal.queries import services
from studyportal.queries.rules import Asked
from studyportal.queries.selectors import queries_visible_to
from studyportal.sites.rules import Role


class QueryEndpoint(RowEndpoint):
    """What sites are asked to mend or explain, by rules and by people."""

    row, detail_row = QueryRow, QueryDetail
    filterset_class = QueryFilter

    def get_queryset(self) -> QuerySet[Any]:
        return queries_visible_to(self.request.user)

    @extend_schema(request=AskBody, responses={201: QueryDetail})
    def create(self, request: Request) -> Response:
        """The site is asked about a form of a participant."""
        body = self.body(AskBody)
        participant = named(
            participants_visible_to(self.request.user), body["participant"], "participant"
        )
        subject = services.Subject(participant.site, participant.code, body["form"], participant.pk)
        asked = Asked(body["field"], body["question"], assigned_to=Role(body["assigned_to"]))
        query = services.raise_query(subject=subject, asked=asked, by=self.person)
        return self.answer(query, status=201)

    @extend_schema(request=TextBody, responses={200: QueryDetail})
    @action(detail=True, methods=["post"], url_path="answer")
    def answer_query(self, request: Request, pk: str) -> Response:
        """The site has answered."""
        query, body = self.get_object(), self.body(TextBody)
        return self.answer(services.answer_query(query=query, by=self.person, **body))

    @extend_schema(request=TextBody, responses={200: QueryDetail})
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: str) -> Response:
        """The query asks for nothing any more, for a reason."""
        query, body = self.get_object(), self.body(TextBody)
        return self.answer(services.close_query(query=query, by=self.person, **body))

    @extend_schema(request=TextBody, responses={200: QueryDetail})
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, pk: str) -> Response:
        """The answer did not settle it; the site is asked again."""
        query, body = self.get_object(), self.body(TextBody)
        return self.answer(services.reopen_query(query=query, by=self.person, **body))
