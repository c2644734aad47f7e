"""Filters of lists. A filter that does not exist is refused, because an ignored one shows too much."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend, FilterSet
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from studyportal.imaging.states import PairStatus, SeriesRole, SeriesStatus
from studyportal.outcomes.states import ComparisonStatus, CutStatus, RunStatus
from studyportal.participants.states import ParticipantStatus, WithdrawalStatus
from studyportal.queries.states import QueryStatus
from studyportal.reading.states import SessionStatus
from studyportal.sites.states import SiteStatus
from studyportal.syntheses.states import JobStatus, ReleaseStatus

_PAGING = {"page", "page_size", "format"}


class StrictFilters(DjangoFilterBackend):
    """Filters by the view's filter set; an unknown query parameter is refused by its name."""

    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: Any
    ) -> QuerySet[Any]:
        filters = self.get_filterset_class(view, queryset)
        known = _PAGING | (set(filters.base_filters) if filters else set())
        unknown = sorted(set(request.query_params) - known)
        if unknown:
            raise ValidationError({name: ["This filter is not known."] for name in unknown})
        filtered: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return filtered


def _one_of(statuses: Any, field_name: str | None = None) -> django_filters.ChoiceFilter:
    return django_filters.ChoiceFilter(
        field_name=field_name, choices=[(status.value, status.name) for status in statuses]
    )


class RowFilter(FilterSet):
    """The filters of one kind of row."""


class SiteFilter(RowFilter):
    status = _one_of(SiteStatus)


class ParticipantFilter(RowFilter):
    site = django_filters.CharFilter(field_name="site__code")
    code = django_filters.CharFilter()
    status = _one_of(ParticipantStatus)


class WithdrawalFilter(RowFilter):
    site = django_filters.CharFilter(field_name="participant__site__code")
    participant_code = django_filters.CharFilter(field_name="participant__code")
    status = _one_of(WithdrawalStatus)


class DeclinedFilter(RowFilter):
    site = django_filters.CharFilter(field_name="site__code")


class ReadingSessionFilter(RowFilter):
    status = _one_of(SessionStatus)


class PairFilter(RowFilter):
    site = django_filters.CharFilter(field_name="participant__site__code")
    participant = django_filters.UUIDFilter(field_name="participant__pk")
    participant_code = django_filters.CharFilter(field_name="participant__code")
    status = _one_of(PairStatus)


class SeriesFilter(RowFilter):
    site = django_filters.CharFilter(field_name="pair__participant__site__code")
    pair = django_filters.UUIDFilter(field_name="pair__pk")
    participant_code = django_filters.CharFilter(field_name="pair__participant__code")
    role = _one_of(SeriesRole)
    status = _one_of(SeriesStatus)


class QueryFilter(RowFilter):
    site = django_filters.CharFilter(field_name="site__code")
    participant_code = django_filters.CharFilter()
    form = django_filters.CharFilter()
    rule = django_filters.CharFilter()
    subject = django_filters.UUIDFilter(field_name="subject_id")
    status = _one_of(QueryStatus)


class ReleaseFilter(RowFilter):
    name = django_filters.CharFilter()
    family = django_filters.CharFilter()
    status = _one_of(ReleaseStatus)


class JobFilter(RowFilter):
    site = django_filters.CharFilter(field_name="pair__participant__site__code")
    pair = django_filters.UUIDFilter(field_name="pair__pk")
    release = django_filters.UUIDFilter(field_name="release__pk")
    batch = django_filters.UUIDFilter(field_name="batch__pk")
    status = _one_of(JobStatus)


class CutFilter(RowFilter):
    release = django_filters.UUIDFilter(field_name="release__pk")
    status = _one_of(CutStatus)


class RunFilter(RowFilter):
    cut = django_filters.UUIDFilter(field_name="cut__pk")
    status = _one_of(RunStatus)


class ComparisonFilter(RowFilter):
    cut = django_filters.UUIDFilter(field_name="cut__pk")
    release = django_filters.UUIDFilter(field_name="compared__release__pk", distinct=True)
    status = _one_of(ComparisonStatus)


class ResultFilter(RowFilter):
    endpoint = django_filters.CharFilter()
    family = django_filters.CharFilter()
    quantity = django_filters.CharFilter()
    test = django_filters.CharFilter()
    target_condition = django_filters.CharFilter()
    region = django_filters.CharFilter()
    analysis = django_filters.CharFilter()
    subgroup = django_filters.CharFilter()
    statistic = django_filters.CharFilter()


class ExportFilter(RowFilter):
    run = django_filters.UUIDFilter(field_name="run__pk")
