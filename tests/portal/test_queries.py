"""Data queries: raised once, closed by themselves, answered and closed by those who may."""

import threading
import uuid
from datetime import date, timedelta

import pytest
import time_machine
from django.db import DatabaseError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from studyportal.core.errors import NotAllowed, Refused, StaleState
from studyportal.core.models import AuditEvent
from studyportal.queries.models import DataQuery
from studyportal.queries.rules import (
    Act,
    AgeBand,
    Asked,
    act_faults,
    acts_at,
    age_days,
    band_of,
    days_of,
    faults_of,
)
from studyportal.queries.selectors import (
    QueryFilter,
    counts_by_age,
    grouped_queries,
    live_counts,
    messages_of,
    moves_of,
    queries_of,
    query_for,
    waiting_for,
)
from studyportal.queries.services import (
    Subject,
    answer_query,
    close_query,
    raise_query,
    reopen_query,
    settle_rules,
)
from studyportal.sites.rules import Action, Role
from tests import factories as make

GAP = Asked("source", "The CT has a gap. Send the missing slices.", "slice_gap", "first look")
TODAY = date(2026, 3, 1)


@pytest.fixture
def site(db):
    return make.SiteFactory(code="SPH")


@pytest.fixture
def subject(site) -> Subject:
    return Subject(site, "SPH-00001", "images", uuid.uuid4())


def said(query):
    return [(message.kind, message.text) for message in messages_of(query)]


# rules


@pytest.mark.parametrize(
    ("days", "band"),
    [(0, "week"), (7, "week"), (8, "fortnight"), (14, "fortnight"), (15, "month"), (30, "month"),
     (31, "older")],
)  # fmt: skip
def test_an_age_on_a_bound_belongs_to_the_younger_band(days, band):
    assert band_of(days) == band


@given(st.integers(0, 4000))
def test_every_age_lies_in_its_band_and_in_no_other(days):
    inside = [b for b in AgeBand if days_of(b)[0] <= days <= (days_of(b)[1] or days)]
    assert inside == [band_of(days)]


def test_an_age_is_never_negative():
    assert age_days(TODAY + timedelta(days=1), today=TODAY) == 0


def test_the_site_answers_and_others_close():
    site, others = {Action.ANSWER_QUERY}, {Action.CLOSE_QUERY}
    assert acts_at("open", site) == (Act.ANSWER,)
    assert acts_at("answered", site) == ()
    assert acts_at("open", others) == (Act.CLOSE,)
    assert acts_at("answered", others) == (Act.CLOSE, Act.REOPEN)
    assert acts_at("closed", site | others) == ()


@pytest.mark.parametrize(
    ("text", "id_"),
    [(" ", "text_missing"), ("x" * 2001, "text_long"), ("a\x00b", "text_unreadable")],
)
def test_a_text_that_cannot_stand_is_refused_in_words(text, id_):
    assert [fault.id for fault in act_faults(Act.ANSWER, text)] == [id_]
    assert [fault.id for fault in faults_of(Asked("f", text), by_person=True)] == [id_]


def test_nobody_is_asked_who_may_not_answer():
    asked = Asked("f", "Why?", assigned_to=Role.READER)
    assert [fault.id for fault in faults_of(asked, by_person=True)] == ["assigned_to"]


# raised by rules


def test_a_rule_that_asks_again_changes_nothing(subject):
    first = raise_query(subject=subject, asked=GAP, by=None)
    trail = AuditEvent.objects.count()
    again = raise_query(subject=subject, asked=GAP, by=None)
    assert again == first
    assert said(first) == [("asked", GAP.question)]
    assert AuditEvent.objects.count() == trail
    assert [move.target for move in moves_of(first)] == ["open"]


def test_a_query_closes_itself_when_the_fault_is_gone_and_leaves_the_others(subject):
    other = Asked("reference", "No weight.", "weight", "first look")
    gap, weight = settle_rules(subject=subject, asked=[GAP, other])
    person = make.DataQueryFactory(by_person=True, site=subject.site, subject_id=subject.subject_id)
    elsewhere = make.DataQueryFactory(site=subject.site)
    settle_rules(subject=subject, asked=[other])
    states = {row.pk: row.status for row in DataQuery.objects.all()}
    assert states[gap.pk] == "closed"
    assert {states[row.pk] for row in (weight, person, elsewhere)} == {"open"}
    gap.refresh_from_db()
    assert (gap.closed_by, moves_of(gap).last().reason) == (None, "the fault was mended")
    assert said(gap)[-1][0] == "closed"


def test_a_fault_that_comes_back_after_it_was_mended_is_a_new_query(subject):
    (first,) = settle_rules(subject=subject, asked=[GAP])
    settle_rules(subject=subject, asked=[])
    (second,) = settle_rules(subject=subject, asked=[GAP])
    assert second != first
    assert second.status == "open"


def test_an_answered_query_is_open_again_when_new_data_have_the_fault_too(subject):
    query = raise_query(subject=subject, asked=GAP, by=None)
    coordinator = make.person(Role.COORDINATOR, subject.site)
    answer_query(query=query, text="Sent again.", by=coordinator)
    assert raise_query(subject=subject, asked=GAP, by=None).status == "answered"
    second = Asked("source", "The CT has two gaps.", "slice_gap", "second look")
    found = raise_query(subject=subject, asked=second, by=None)
    assert (found, found.status, found.question) == (query, "open", "The CT has two gaps.")
    assert [kind for kind, _ in said(query)] == ["asked", "answered", "found_again"]


def test_what_a_person_closed_is_not_asked_again_of_the_same_evidence(subject):
    query = raise_query(subject=subject, asked=GAP, by=None)
    close_query(query=query, text="It is fine.", by=make.person(Role.DATA_MANAGER, subject.site))
    assert settle_rules(subject=subject, asked=[GAP]) == [query]
    assert DataQuery.objects.count() == 1
    new = Asked(GAP.field, GAP.question, GAP.rule, "second look")
    assert settle_rules(subject=subject, asked=[new]) != [query]


def test_a_query_learns_to_whom_its_images_belong(subject):
    unknown = Subject(subject.site, "", subject.form, subject.subject_id)
    query = raise_query(subject=unknown, asked=GAP, by=None)
    raise_query(subject=subject, asked=GAP, by=None)
    query.refresh_from_db()
    assert query.participant_code == "SPH-00001"


@pytest.mark.django_db(transaction=True)
def test_of_two_rules_that_ask_at_once_one_asks():
    subject = Subject(make.SiteFactory(), "SPH-00001", "images", uuid.uuid4())
    got, first_is_in = [], threading.Event()

    def second() -> None:
        first_is_in.wait()
        got.append(raise_query(subject=subject, asked=GAP, by=None).pk)
        connection.close()

    writer = threading.Thread(target=second)
    writer.start()
    with transaction.atomic():
        query = raise_query(subject=subject, asked=GAP, by=None)
        first_is_in.set()
        writer.join(0.3)
        assert writer.is_alive()  # it waits for this transaction
    writer.join(10)
    assert got == [query.pk]
    assert said(query) == [("asked", GAP.question)]
    assert AuditEvent.objects.filter(verb="raise_query").count() == 1


# people


def test_a_thread_goes_from_question_to_answer_and_back_and_is_closed(subject):
    asks = make.person(Role.MONITOR, subject.site)
    answers = make.person(Role.COORDINATOR, subject.site)
    query = raise_query(subject=subject, asked=Asked("side", "Left or right?"), by=asks)
    answer_query(query=query, text=" Left. ", by=answers)
    reopen_query(query=query, text="The report says right.", by=asks)
    answer_query(query=query, text="Right; corrected.", by=answers)
    close_query(query=query, text="Agreed.", by=asks)
    assert [text for _, text in said(query)] == [
        "Left or right?", "Left.", "The report says right.", "Right; corrected.", "Agreed.",
    ]  # fmt: skip
    assert [m.target for m in moves_of(query)] == ["open", "answered", "open", "answered", "closed"]
    query.refresh_from_db()
    assert (query.closed_by, query.opened_by) == (asks, asks)


def test_the_trail_holds_no_word_of_a_question_or_an_answer(subject):
    query = raise_query(
        subject=subject, asked=Asked("weight", "Is 162 kg right?"),
        by=make.person(Role.MONITOR, subject.site),
    )  # fmt: skip
    answer_query(query=query, text="It is 62 kg.", by=make.person(Role.SITE_PI, subject.site))
    sentences = " ".join(AuditEvent.objects.values_list("sentence", flat=True))
    assert "SPH-00001: a data query was answered." in sentences
    assert "62" not in sentences


@pytest.mark.parametrize(
    ("act", "role", "traits"),
    [
        (answer_query, Role.DATA_MANAGER, {}),
        (close_query, Role.COORDINATOR, {}),
        (reopen_query, Role.COORDINATOR, {"answered": True}),
    ],
)
def test_who_may_not_is_refused_and_nothing_is_said(act, role, traits, site):
    query = make.DataQueryFactory(site=site, **traits)
    with pytest.raises(NotAllowed):
        act(query=query, text="Done.", by=make.person(role, site))
    assert said(query) == []


def test_a_right_at_another_site_does_not_reach_a_query(site):
    query = make.DataQueryFactory(site=site)
    with pytest.raises(NotAllowed):
        answer_query(query=query, text="x", by=make.person(Role.COORDINATOR, make.SiteFactory()))


def test_of_two_who_answer_at_once_the_second_is_told(site):
    query, person = make.DataQueryFactory(site=site), make.person(Role.COORDINATOR, site)
    stale = DataQuery.objects.get(pk=query.pk)
    answer_query(query=query, text="First.", by=person)
    with pytest.raises(StaleState):
        answer_query(query=stale, text="Second.", by=person)
    assert said(query) == [("answered", "First.")]


def test_a_closed_query_takes_no_answer(site):
    query = make.DataQueryFactory(site=site, closed=True)
    with pytest.raises(Refused, match="cannot become"):
        answer_query(query=query, text="Late.", by=make.person(Role.COORDINATOR, site))


@pytest.mark.parametrize("change", ["UPDATE {} SET text = ''", "DELETE FROM {}", "TRUNCATE {}"])
def test_a_thread_stays_as_it_was_said(change, db):
    make.QueryMessageFactory()
    with (
        connection.cursor() as cursor,
        pytest.raises(DatabaseError, match=r"append-only|cannot be emptied"),
    ):
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(change.format("queries_querymessage"))


# reads


def test_another_sites_query_is_not_there(site):
    query = make.DataQueryFactory(site=make.SiteFactory())
    person = make.person(Role.COORDINATOR, site)
    assert query_for(person, query.pk) is None
    assert list(queries_of(person, query.participant_code)) == []
    assert live_counts(person, [query.participant_code]) == {}


def test_a_query_waits_for_whom_it_asks_and_once_answered_for_who_closes_it(site):
    mine = make.DataQueryFactory(site=site)
    make.DataQueryFactory(site=site, assigned_to=Role.SITE_PI)
    answered = make.DataQueryFactory(site=site, answered=True)
    make.DataQueryFactory(site=site, closed=True)
    make.DataQueryFactory(site=make.SiteFactory())
    assert list(waiting_for(make.person(Role.COORDINATOR, site))) == [mine]
    assert list(waiting_for(make.person(Role.MONITOR, site))) == [answered]
    assert list(waiting_for(make.person(Role.STATISTICIAN))) == []


def aged(site, days, **traits):
    moment = make.MOMENT.replace(year=2026, month=3, day=1) - timedelta(days=days)
    return make.DataQueryFactory(site=site, opened_at=moment, **traits)


def test_queries_stand_form_by_form_of_each_participant_longest_waiting_first(site):
    code = {"participant_code": "SPH-00002"}
    young, old = aged(site, 1, **code), aged(site, 9, **code, rule="late")
    other, form = aged(site, 5), aged(site, 3, **code, form="screening")
    rows = grouped_queries(make.person(Role.MONITOR, site), QueryFilter(), today=TODAY)
    assert list(rows) == [old, young, other, form]


@pytest.mark.parametrize(
    ("chosen", "left"),
    [
        ({}, {"new", "old", "answered"}),
        ({"state": "closed"}, {"done"}),
        ({"state": "all"}, {"new", "old", "answered", "done"}),
        ({"state": "mine"}, {"answered"}),
        ({"age": "week"}, {"new", "answered"}),
        ({"age": "older"}, {"old"}),
        ({"age": "older", "state": "closed"}, set()),
        ({"form": "screening"}, {"answered"}),
        ({"participant": "sph-00009"}, {"old"}),
        ({"site": "SEH"}, set()),
        ({"age": "'", "state": "?", "participant": "\x00"}, {"new", "old", "answered"}),
    ],
)
def test_a_filter_leaves_what_it_names(chosen, left, site):
    rows = {
        "new": aged(site, 7),
        "old": aged(site, 31, participant_code="SPH-00009"),
        "answered": aged(site, 2, answered=True, form="screening"),
        "done": aged(site, 2, closed=True),
    }
    found = grouped_queries(make.person(Role.MONITOR, site), QueryFilter(**chosen), today=TODAY)
    assert {name for name, row in rows.items() if row in found} == left


def test_the_dashboard_counts_by_site_and_age(site):
    aged(site, 0), aged(site, 8, answered=True), aged(site, 40), aged(site, 1, closed=True)
    aged(make.SiteFactory(code="SEH"), 3)
    (own,) = counts_by_age(make.person(Role.SITE_PI, site), today=TODAY)
    assert (own.site, list(own.by_age.values()), own.total, own.answered) == (
        "SPH", [1, 1, 0, 1], 3, 1
    )  # fmt: skip


@time_machine.travel("2026-03-01T00:00:00Z", tick=False)
def test_messages_of_one_moment_keep_their_order(subject):
    query = raise_query(subject=subject, asked=GAP, by=None)
    answer_query(query=query, text="a", by=make.person(Role.COORDINATOR, subject.site))
    close_query(query=query, text="b", by=make.person(Role.MONITOR, subject.site))
    assert [kind for kind, _ in said(query)] == ["asked", "answered", "closed"]
