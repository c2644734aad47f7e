"""Data queries and their messages."""

import uuid

import factory
from factory.django import DjangoModelFactory

from studyportal.queries.models import DataQuery, QueryMessage
from studyportal.queries.states import MessageKind, QueryStatus
from studyportal.sites.rules import Role
from tests.factories.common import MOMENT


class DataQueryFactory(DjangoModelFactory):
    """A query that a check of images raised; one that a person asked with the trait."""

    class Meta:
        model = DataQuery

    site = factory.SubFactory("tests.factories.SiteFactory")
    participant_code = factory.LazyAttributeSequence(lambda row, n: f"{row.site.code}-{n:05d}")
    form = "images"
    field = "source"
    subject_id = factory.LazyFunction(uuid.uuid4)
    rule = "slice_gap"
    evidence = "first look"
    status = QueryStatus.OPEN
    question = "The CT has a gap. Send the missing slices."
    assigned_to = Role.COORDINATOR
    opened_at = MOMENT

    class Params:
        by_person = factory.Trait(
            rule="", evidence="", opened_by=factory.SubFactory("tests.factories.UserFactory")
        )
        answered = factory.Trait(status=QueryStatus.ANSWERED, answered_at=MOMENT)
        closed = factory.Trait(
            status=QueryStatus.CLOSED,
            closed_at=MOMENT,
            closed_by=factory.SubFactory("tests.factories.UserFactory"),
        )
        mended = factory.Trait(status=QueryStatus.CLOSED, closed_at=MOMENT)


class QueryMessageFactory(DjangoModelFactory):
    class Meta:
        model = QueryMessage

    query = factory.SubFactory(DataQueryFactory)
    kind = MessageKind.ASKED
    text = "The CT has a gap. Send the missing slices."
    at = MOMENT
