"""The pages of data queries, the queries that images raise, and how often the pages ask the database."""

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from studyportal.cli.demonstration import ask_questions, create_people
from studyportal.core.models import AuditEvent
from studyportal.imaging import rules
from studyportal.imaging.models import Finding, ImagingSeries
from studyportal.imaging.services import accept_finding, exclude_pair, settle_conflict
from studyportal.imaging.services.asking import ask_about_arrival
from studyportal.imaging.services.settling import keep_findings
from studyportal.imaging.states import SeriesRole, SeriesStatus
from studyportal.participants.rules import Answer, contradiction
from studyportal.participants.services import settle_criteria
from studyportal.queries.models import DataQuery
from studyportal.sites.rules import Role
from tests import factories as make
from tests.portal.scenes import open_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def site():
    make.ProtocolVersionFactory()
    return make.SiteFactory(code="SPH")


def browser(role, site) -> Client:
    client = Client()
    client.force_login(make.MembershipFactory(role=role, site=site).user)
    return client


def text_of(answer, status=200) -> str:
    assert answer.status_code == status
    return answer.content.decode()


def standing():
    return set(DataQuery.objects.exclude(status="closed").values_list("rule", "field"))


# pages


def test_the_worklist_groups_by_participant_and_form_and_counts_in_the_menu(site):
    code = {"site": site, "participant_code": "SPH-00007"}
    make.DataQueryFactory(**code)
    make.DataQueryFactory(**code, rule="weight", field="reference", question="No weight.")
    make.DataQueryFactory(site=make.SiteFactory(), question="ELSEWHERE")
    shown = text_of(browser(Role.COORDINATOR, site).get(reverse("web:queries")))
    assert shown.count('class="queries__group"') == 1
    assert "SPH-00007 · Images" in shown
    assert "No weight." in shown
    assert "ELSEWHERE" not in shown
    assert '<span class="app-nav__count">2' in shown


def test_a_filter_that_leaves_nothing_offers_the_way_back(site):
    make.DataQueryFactory(site=site)
    shown = text_of(browser(Role.MONITOR, site).get(reverse("web:queries") + "?state=closed"))
    assert "No query fits these filters" in shown


def test_the_site_answers_and_a_monitor_asks_again_and_closes(site):
    query = make.DataQueryFactory(site=site)
    coordinator, monitor = browser(Role.COORDINATOR, site), browser(Role.MONITOR, site)
    coordinator.post(reverse("web:query_answer", args=[query.pk]), {"text": "Sent <again>."})
    monitor.post(reverse("web:query_reopen", args=[query.pk]), {"text": "Not all."})
    coordinator.post(reverse("web:query_answer", args=[query.pk]), {"text": "Now all."})
    monitor.post(reverse("web:query_close", args=[query.pk]), {"text": "Complete."})
    shown = text_of(coordinator.get(reverse("web:query", args=[query.pk])))
    assert "Sent &lt;again&gt;." in shown
    assert "The query is closed" in shown
    assert shown.count('class="thread__message') == 4


def test_a_text_that_is_missing_is_asked_for_at_its_field(site):
    query = make.DataQueryFactory(site=site)
    answer = browser(Role.COORDINATOR, site).post(reverse("web:query_answer", args=[query.pk]))
    assert "field__error" in text_of(answer, 422)


def test_whoever_comes_second_is_told_and_loses_no_text(site):
    query = make.DataQueryFactory(site=site, answered=True)
    place = reverse("web:query_answer", args=[query.pk])
    shown = text_of(browser(Role.COORDINATOR, site).post(place, {"text": "My long answer"}), 422)
    assert "cannot become answered" in shown
    assert "My long answer" in shown


def test_another_sites_query_is_not_found_whatever_is_done(site):
    query = make.DataQueryFactory(site=make.SiteFactory())
    for role, name in (
        (Role.COORDINATOR, "query_answer"), (Role.MONITOR, "query_close"),
        (Role.MONITOR, "query_reopen"),
    ):  # fmt: skip
        place = reverse(f"web:{name}", args=[query.pk])
        assert browser(role, site).post(place, {"text": "x"}).status_code == 404
        assert browser(role, site).get(reverse("web:query", args=[query.pk])).status_code == 404


def test_a_monitor_asks_on_the_participants_page(site):
    participant, monitor = make.ParticipantFactory(site=site), browser(Role.MONITOR, site)
    place = reverse("web:query_raise", args=[participant.pk])
    assert place in text_of(monitor.get(reverse("web:participant", args=[participant.pk])))
    assert "Ask the site" in text_of(monitor.get(place))
    form = {"form": "consent", "field": "date", "assigned_to": "site_pi", "text": "Which day?"}
    assert "This field is required" in text_of(monitor.post(place, {**form, "text": ""}), 422)
    query = DataQuery.objects.get(pk=monitor.post(place, form)["Location"].split("/")[-2])
    assert (query.assigned_to, query.participant_code) == ("site_pi", participant.code)
    coordinator = browser(Role.COORDINATOR, site)
    own = text_of(coordinator.get(reverse("web:participant", args=[participant.pk])))
    assert "Which day?" in own
    assert place not in own
    assert "1 query</a>" in text_of(coordinator.get(reverse("web:worklist")))
    assert coordinator.get(place).status_code == 403


def test_a_query_leads_to_where_its_fault_is_mended(site):
    pair = make.ScanPairFactory(participant__site=site)
    query = make.DataQueryFactory(
        site=site, subject_id=pair.pk, participant_code=pair.participant.code
    )
    arrival = make.DataQueryFactory(site=site, field="arrival", participant_code="")
    client = browser(Role.COORDINATOR, site)
    shown = text_of(client.get(reverse("web:query", args=[query.pk])))
    assert reverse("web:pair", args=[pair.pk]) in shown
    assert reverse("web:upload_open", args=[pair.participant_id, "source"]) in shown
    assert "Open the inbox" in text_of(client.get(reverse("web:query", args=[arrival.pk])))


def test_the_dashboard_shows_queries_by_age(site):
    make.DataQueryFactory(site=site)
    shown = text_of(browser(Role.SITE_PI, site).get(reverse("web:dashboard")))
    assert "over 30 days" in shown


@pytest.mark.parametrize(("name", "limit"), [("web:queries", 11), ("web:worklist", 19)])
def test_a_page_asks_the_database_as_often_for_many_queries(
    name, limit, site, django_assert_max_num_queries
):
    for _ in range(12):
        participant = make.ParticipantFactory(site=site)
        make.DataQueryFactory(site=site, participant_code=participant.code)
    client = browser(Role.COORDINATOR, site)
    with django_assert_max_num_queries(limit):
        assert client.get(reverse(name)).status_code == 200


def test_one_query_takes_few_questions_to_the_database(site, django_assert_max_num_queries):
    participant = make.ParticipantFactory(site=site)
    query = make.DataQueryFactory(site=site, participant_code=participant.code)
    for _ in range(8):
        make.QueryMessageFactory(query=query)
    client = browser(Role.COORDINATOR, site)
    with django_assert_max_num_queries(15):
        client.get(reverse("web:query", args=[query.pk]))


# images


def gap(sentence="The CT has a gap. Send the missing slices."):
    return rules.Finding(id="slice_gap", grade="exclude", sentence=sentence, values={})


def refused(pair, role=SeriesRole.SOURCE, findings=None):
    series = make.ImagingSeriesFactory(pair=pair, role=role, status=SeriesStatus.QUARANTINED)
    keep_findings(pair, findings or [gap()], series=series)
    return series


@pytest.fixture
def pair(site):
    return make.ScanPairFactory(participant__site=site, query_open=True)


def test_a_refused_series_asks_for_what_is_to_be_sent_and_a_later_one_mends_it(pair):
    first = refused(pair)
    query = DataQuery.objects.get()
    assert (query.participant_code, query.field) == (pair.participant.code, "source")
    assert query.question == gap().sentence
    assert query.assigned_to == Role.COORDINATOR
    second = make.ImagingSeriesFactory(pair=pair, role=SeriesRole.SOURCE, accepted=True)
    Finding.objects.filter(series=first).update(superseded=True)  # as intake does
    keep_findings(pair, [], series=second)
    assert standing() == set()


def test_a_warning_asks_nothing(pair):
    warning = rules.Finding(id="dose", grade="warning", sentence="Compare.", values={})
    refused(pair, findings=[warning])
    assert standing() == set()


def test_findings_of_the_pair_and_its_series_are_asked_apart(pair):
    refused(pair)
    refused(pair, SeriesRole.REFERENCE)
    keep_findings(
        pair,
        [rules.Finding(id="no_overlap", grade="exclude", sentence="Send it.", values={})],
        series=None,
    )
    assert standing() == {
        ("slice_gap", "source"), ("slice_gap", "reference"), ("no_overlap", "pair"),
    }  # fmt: skip


def test_two_findings_of_one_rule_are_one_query(pair):
    refused(pair, findings=[gap("First gap."), gap("Second gap.")])
    question = DataQuery.objects.get().question
    assert sorted(question.split(". ")) in (
        ["First gap", "Second gap."], ["First gap.", "Second gap"],
    )  # fmt: skip


def test_newer_outlines_mend_what_was_wrong_with_refused_ones(pair):
    old = refused(pair, SeriesRole.OUTLINES)
    assert standing() == {("slice_gap", "outlines")}
    new = make.ImagingSeriesFactory(pair=pair, role=SeriesRole.OUTLINES, accepted=True)
    ImagingSeries.objects.filter(pk=old.pk).update(opened_at=make.MOMENT.replace(year=2025))
    keep_findings(pair, [], series=new)
    assert standing() == set()


def test_accepting_a_finding_or_excluding_the_pair_closes_its_query(site, pair):
    manager = make.person(Role.DATA_MANAGER, site)
    keep_findings(pair, [gap()], series=None)
    accept_finding(finding=Finding.objects.get(), reason="Known.", by=manager)
    assert standing() == set()
    keep_findings(pair, [gap("Another gap.")], series=None)
    assert standing() == {("slice_gap", "pair")}
    exclude_pair(pair=pair, reason="Metal.", by=manager)
    assert standing() == set()


def test_many_conflicts_of_one_series_are_one_query_until_the_last_is_settled(site):
    arrival = make.ArrivalFactory(site=site)
    conflicts = [make.ArrivalConflictFactory(arrival=arrival) for _ in range(2)]
    ask_about_arrival(arrival)
    ask_about_arrival(arrival)
    assert "came again with other content" in DataQuery.objects.get().question
    coordinator = make.person(Role.COORDINATOR, site)
    for conflict, left in zip(conflicts, (1, 0), strict=True):
        settle_conflict(conflict=conflict, reason="The first is right.", by=coordinator)
        assert len(standing()) == left
    assert AuditEvent.objects.filter(verb="raise_query").count() == 1


# screening


def test_a_source_that_contradicts_screening_is_asked_about_until_they_agree(site):
    participant = make.ParticipantFactory(site=site)
    settle = {"participant": participant, "by": None}
    settle_criteria(answers={"EXC-02": Answer.NOT_MET}, source="screening", **settle)
    assert standing() == set()
    settle_criteria(answers={"EXC-02": Answer.MET}, source="imaging", **settle)
    settle_criteria(answers={"EXC-03": Answer.NOT_MET}, source="pathology", **settle)
    query = DataQuery.objects.get()
    assert (query.rule, query.field, query.status) == ("sources_contradict", "EXC-02", "open")
    assert (query.form, query.subject_id) == ("screening", participant.pk)
    assert "“not met” at screening, and imaging says “met”" in query.question
    settle_criteria(answers={"EXC-02": Answer.NOT_MET}, source="imaging", **settle)
    assert standing() == set()


@pytest.mark.parametrize(
    ("screened", "answer"), [("unknown", "met"), ("met", "met"), ("met", "unknown")]
)
def test_only_two_known_answers_can_contradict(screened, answer):
    assert not contradiction("EXC-02", Answer(screened), answer=Answer(answer), source="imaging")


def test_the_demonstration_asks_once():
    open_study()
    create_people()
    for _ in range(3):
        make.ParticipantFactory(site=make.SiteFactory(code="SPH"))
    ask_questions()
    ask_questions()
    statuses = sorted(DataQuery.objects.values_list("status", flat=True))
    assert statuses == ["answered", "open", "open"]


# API


def test_the_api_lists_the_queries_of_ones_site_and_tells_the_thread(
    site, django_assert_max_num_queries
):
    for _ in range(8):
        query = make.DataQueryFactory(site=site, closed=True)
    make.QueryMessageFactory(query=query)
    make.DataQueryFactory(site=make.SiteFactory())
    client = APIClient()
    client.force_authenticate(make.person(Role.COORDINATOR, site))
    with django_assert_max_num_queries(6):
        assert client.get("/api/v1/data-queries/", {"status": "closed"}).data["count"] == 8
    assert client.get("/api/v1/data-queries/", {"status": "open"}).data["count"] == 0
    detail = client.get(f"/api/v1/data-queries/{query.pk}/").data
    assert (detail["rule"], detail["messages"][0]["kind"]) == ("slice_gap", "asked")
    assert client.get("/api/v1/data-queries/", {"age": "old"}).status_code == 400


def test_the_api_says_in_words_that_a_text_is_missing(site):
    query = make.DataQueryFactory(site=site)
    client = APIClient()
    client.force_authenticate(make.person(Role.COORDINATOR, site))
    answer = client.post(f"/api/v1/data-queries/{query.pk}/answer/", {"text": " "}, format="json")
    assert answer.status_code == 400
    assert "text" in answer.data["fields"]
