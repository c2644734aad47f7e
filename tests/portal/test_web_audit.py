"""The pages of the audit trail: who sees which events and values, in sentences, and as files."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from studyportal.core.audit_context import because
from studyportal.core.models import AuditEvent, TrailEntry
from studyportal.core.services import record
from studyportal.dashboards.trail import TrailFilter, trail
from studyportal.participants.models import Consent
from studyportal.sites.rules import Role
from tests import factories as make
from tests.factories.sites import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def consent():
    row = make.ConsentFactory(version="1.0")
    with because("The form was misread."):
        Consent.objects.filter(pk=row.pk).update(version="1.1")
    return row


def page(client, person, name="audit", *args, query=None):
    client.force_login(person)
    return client.get(reverse(f"web:{name}", args=args), query)


def text_of(answer):
    return answer.content.decode()


def test_a_change_reads_as_a_sentence_with_its_reason(client, consent):
    text = text_of(page(client, person(Role.DATA_MANAGER)))
    assert "Consent changed: version 1.0 → 1.1." in text
    assert "The form was misread." in text


def test_a_site_sees_the_trail_of_its_own_participants(client, consent):
    other = make.ConsentFactory()
    investigator = make.MembershipFactory(role=Role.SITE_PI, site=consent.participant.site).user
    text = text_of(page(client, investigator))
    assert consent.participant.code in text
    assert other.participant.code not in text


def test_filters_of_site_and_person_leave_newest_first_what_they_name(consent):
    first, other = consent.participant.site, make.SiteFactory()
    clerk, manager = make.UserFactory(), person(Role.DATA_MANAGER)
    for site, by in ((first, clerk), (other, clerk), (first, manager), (first, clerk)):
        record("open_site", site, "Opened.", by=by, site_code=site.code)
    for chosen in (
        {"site": first.code}, {"user": clerk.username}, {"site": first.code, "user": clerk.username},
    ):  # fmt: skip
        named = {"site_id": first.pk, "user_id": clerk.pk}
        wanted = {f"{key}_id": named[f"{key}_id"] for key in chosen}
        expected = TrailEntry.objects.filter(**wanted).order_by("-id")
        assert list(trail(manager, TrailFilter(**chosen))) == list(expected) != []
    for unknown in ({"site": "XXX"}, {"user": "nobody"}):
        assert not trail(manager, TrailFilter(**unknown))


def test_the_filter_names_nobody_who_acted_at_another_site_alone(client, consent):
    other = make.SiteFactory()
    stranger = make.UserFactory(username="works-elsewhere")
    record("open_site", other, "Opened.", by=stranger, site_code=other.code)
    investigator = make.MembershipFactory(role=Role.SITE_PI, site=consent.participant.site).user
    assert "works-elsewhere" not in text_of(page(client, investigator))
    assert "works-elsewhere" in text_of(page(client, person(Role.DATA_MANAGER)))


def test_whoever_may_not_see_participants_sees_that_something_changed_and_not_what(client, consent):
    text = text_of(page(client, person(Role.ADMINISTRATOR)))
    assert "version (value hidden from your roles)" in text
    assert "1.0 → 1.1" not in text


def test_scores_stay_hidden_from_those_who_are_blinded(client):
    make.IndexScoreFactory(score=4.0625)
    assert "4.0625" not in text_of(page(client, person(Role.DATA_MANAGER)))
    assert "4.0625" not in text_of(page(client, person(Role.STUDY_PI)))  # sealed for everybody
    make.ResultOpeningFactory(opened=True)
    assert "4.0625" not in text_of(page(client, person(Role.DATA_MANAGER)))
    assert "4.0625" in text_of(page(client, person(Role.STUDY_PI)))


@pytest.mark.parametrize(
    ("query", "seen"),
    [
        ({"label": "update"}, True),
        ({"label": "delete"}, False),
        ({"kind": "participants.consent"}, True),
        ({"kind": "clinical.lesion"}, False),
        ({"participant": "nobody"}, False),
        ({"user": "nobody"}, False),
        ({"site": "nowhere"}, False),
        ({"since": "2020-01-01"}, True),
        ({"until": "2020-01-01"}, False),
        ({"since": "not a day"}, True),
        ({"before": "1"}, False),
    ],
    ids=str,
)
def test_filters_narrow_the_trail(client, consent, query, seen):
    text = text_of(page(client, person(Role.DATA_MANAGER), query=query))
    assert ("version 1.0 → 1.1" in text) is seen


def test_the_trail_of_one_participant_is_found_by_code_also_for_queries(client, consent):
    participant = consent.participant
    query = make.DataQueryFactory(site=participant.site, participant_code=participant.code)
    make.ConsentFactory(version="7.7")
    chosen = {"participant": participant.code.lower()}
    text = text_of(page(client, person(Role.DATA_MANAGER), query=chosen))
    assert "version 1.0 → 1.1" in text
    assert query.question in text
    assert "7.7" not in text


def test_the_history_of_a_participant_begins_with_the_beginning(client, consent):
    manager = person(Role.DATA_MANAGER)
    text = text_of(page(client, manager, "participant_history", consent.participant_id))
    assert 0 < text.index("Participant entered:") < text.index("version 1.0 → 1.1")


def test_the_history_of_another_site_does_not_exist(client, consent):
    elsewhere = person(Role.SITE_PI)
    assert page(client, elsewhere, "participant_history", consent.participant_id).status_code == 404


def test_pages_ask_the_database_few_questions_however_much_there_is(client, consent):
    make.CriterionAnswerFactory.create_batch(30)
    make.MeasurementFactory()
    client.force_login(person(Role.DATA_MANAGER))
    with CaptureQueriesContext(
        connection,
    ) as asked:
        client.get(reverse("web:audit"))
    assert len(asked) <= 20


def test_the_history_leaves_as_json_and_the_download_is_kept(client, consent):
    client.force_login(person(Role.MONITOR))
    address = reverse("web:history_file", args=[consent.participant_id, "json"])
    facts = json.loads(client.post(address).content)
    changed = next(event for event in facts["events"] if event["label"] == "update")
    assert changed["changes"] == [{"field": "version", "before": "1.0", "after": "1.1"}]
    assert changed["reason"] == "The form was misread."
    kept = AuditEvent.objects.get(verb="hand_out_trail")
    assert kept.sentence == f"The history of {consent.participant.code} was downloaded as JSON."


def test_the_history_leaves_as_pdf(client, consent):
    client.force_login(person(Role.MONITOR))
    answer = client.post(reverse("web:history_file", args=[consent.participant_id, "pdf"]))
    assert answer.content.startswith(b"%PDF")


def test_the_filtered_trail_leaves_as_json(client, consent):
    client.force_login(person(Role.STUDY_PI))
    answer = client.post(reverse("web:audit_file", args=["json"]) + "?label=update")
    assert {event["label"] for event in json.loads(answer.content)["events"]} == {"update"}


def test_no_other_kind_of_file_exists(client, consent):
    client.force_login(person(Role.STUDY_PI))
    assert client.post(reverse("web:audit_file", args=["exe"])).status_code == 404
