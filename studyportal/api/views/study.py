"""Sites and participants."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from studyportal.api.filters import ParticipantFilter, SiteFilter
from studyportal.api.serializers.conduct import ConsentBody, WithdrawalDetail, WithdrawBody
from studyportal.api.serializers.imaging import NothingBody
from studyportal.api.serializers.participants import (
    ParticipantDetail,
    ParticipantRow,
    ScreeningBody,
)
from studyportal.api.serializers.sites import SiteRow
from studyportal.api.views.base import RowEndpoint, named_by
from studyportal.participants import services
from studyportal.participants.rules import Answer, Scope, ScreeningFacts, Why
from studyportal.participants.selectors import participants_visible_to
from studyportal.sites.selectors import sites_visible_to
from studyportal.tasks import dispatch


class SiteEndpoint(RowEndpoint):
    """Sites the person belongs to."""

    lookup_field = "code"
    row = detail_row = SiteRow
    filterset_class = SiteFilter

    def get_queryset(self) -> QuerySet[Any]:
        return sites_visible_to(self.request.user)


class ParticipantEndpoint(RowEndpoint):
    """Participants, known by a study code only."""

    row, detail_row = ParticipantRow, ParticipantDetail
    filterset_class = ParticipantFilter

    def get_queryset(self) -> QuerySet[Any]:
        return participants_visible_to(self.request.user)

    @extend_schema(request=ScreeningBody, responses={201: ParticipantDetail})
    def create(self, request: Request) -> Response:
        """A participant is screened: consent, answers and verdict are kept."""
        body = self.body(ScreeningBody)
        site = named_by(sites_visible_to(self.request.user), "code", body["site"], field="site")
        facts = ScreeningFacts(
            site_code=site.code,
            sex=body["sex"],
            age_years=body["age_years"],
            screening_date=body["screening_date"],
            consent_date=body["consent_date"],
            consent_version=body["consent_version"],
            consent_language=body["consent_language"],
            answers={code: Answer(answer) for code, answer in body["answers"].items()},
        )
        participant = services.screen_participant(
            site=site, facts=facts, submission=body["submission"], by=self.person
        )
        return self.answer(participant, status=201)

    @extend_schema(request=NothingBody, responses={200: ParticipantDetail})
    @action(detail=True, methods=["post"])
    def enrol(self, request: Request, pk: str) -> Response:
        """An eligible participant is enrolled."""
        participant = self.get_object()
        self.body(NothingBody)
        return self.answer(services.enrol_participant(participant=participant, by=self.person))

    @extend_schema(request=ConsentBody, responses={200: ParticipantDetail})
    @action(detail=True, methods=["post"], url_path="consents")
    def record_consent(self, request: Request, pk: str) -> Response:
        """The participant signed a version of the consent form."""
        participant, body = self.get_object(), self.body(ConsentBody)
        services.record_consent(participant=participant, by=self.person, **body)
        return self.answer(participant)

    @extend_schema(request=WithdrawBody, responses={202: WithdrawalDetail})
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: str) -> Response:
        """The participant withdrew consent; every room obeys, as the withdrawal tells."""
        participant, body = self.get_object(), self.body(WithdrawBody)
        row = services.record_withdrawal(
            participant=participant,
            scope=Scope(body["scope"]),
            withdrawn_on=body["withdrawn_on"],
            why=Why(body["why"]),
            note=body["note"],
            by=self.person,
        )
        dispatch.obey_withdrawal(row.pk)
        return Response(WithdrawalDetail(row).data, status=202)
