"""Withdrawals and people who declined."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from studyportal.api.filters import DeclinedFilter, WithdrawalFilter
from studyportal.api.serializers.conduct import (
    DeclinedBody,
    DeclinedRow,
    WithdrawalDetail,
    WithdrawalRow,
)
from studyportal.api.views.base import RowEndpoint, named_by
from studyportal.participants import services
from studyportal.participants.rules import AgeBand, DeclinedFacts, DeclineReason
from studyportal.participants.selectors import declined_visible_to, withdrawals_visible_to
from studyportal.sites.selectors import sites_visible_to


class WithdrawalEndpoint(RowEndpoint):
    """Withdrawals, each with what every room did for it."""

    row, detail_row = WithdrawalRow, WithdrawalDetail
    filterset_class = WithdrawalFilter

    def get_queryset(self) -> QuerySet[Any]:
        return withdrawals_visible_to(self.request.user)


class DeclinedEndpoint(RowEndpoint):
    """People who were asked and declined; nothing here says who they were."""

    row = detail_row = DeclinedRow
    filterset_class = DeclinedFilter

    def get_queryset(self) -> QuerySet[Any]:
        return declined_visible_to(self.request.user)

    @extend_schema(request=DeclinedBody, responses={201: DeclinedRow})
    def create(self, request: Request) -> Response:
        """Somebody who declined stands on the screening log."""
        body = self.body(DeclinedBody)
        site = named_by(sites_visible_to(self.request.user), "code", body["site"], field="site")
        facts = DeclinedFacts(
            declined_on=body["declined_on"],
            reason=DeclineReason(body["reason"]),
            sex=body["sex"],
            age_band=AgeBand(body["age_band"]),
        )
        row = services.record_declined(
            site=site, facts=facts, submission=body["submission"], by=self.person
        )
        return self.answer(row, status=201)
