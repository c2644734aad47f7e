"""The inbox page: what it shows, what it hides, and the acts on it."""

import pytest
from django.test import Client
from django.urls import reverse

from studyportal.imaging.selectors import patient_key, quarantine_of
from studyportal.sites.rules import Role
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def site():
    make.ProtocolVersionFactory()
    return make.SiteFactory(code="SPH")


@pytest.fixture
def browser(site) -> Client:
    client = Client()
    client.force_login(make.person(Role.COORDINATOR, site))
    return client


def arrival(site, **traits):
    row = make.ArrivalFactory(site=site, **traits)
    folder = quarantine_of(row.pk)
    folder.mkdir(parents=True)
    (folder / make.digest(row.pk)).write_bytes(b"slice")
    return row


def page(browser, **form) -> str:
    address = reverse("web:inbox")
    answer = browser.post(address, form) if form else browser.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_arrival_is_assigned_by_typing_the_study_code(browser, site):
    row, participant = arrival(site), make.ParticipantFactory(site=site)
    assert "PACS" in page(browser)
    place = reverse("web:inbox_assign", args=[row.pk])
    answer = browser.post(place, {"participant": participant.code.lower()})
    row.refresh_from_db()
    assert answer["Location"] == reverse("web:upload", args=[row.series_id])
    assert row.series.pair.participant == participant


@pytest.mark.parametrize("code", ["", "SPH-99999", "<b>"])
def test_a_code_that_no_enrolled_participant_has_is_answered_with_a_sentence(browser, site, code):
    row = arrival(site)
    place = reverse("web:inbox_assign", args=[row.pk])
    answer = browser.post(place, {"participant": code}, follow=True)
    assert "There is no enrolled participant" in answer.content.decode()
    row.refresh_from_db()
    assert row.status == "waiting"


def test_a_hospitals_number_narrows_the_page_and_stands_nowhere_on_it(browser, site):
    arrival(site, sender="MINE", patient_key=patient_key("H-4711", "SPH"))
    arrival(site, sender="OTHERS")
    shown = page(browser, patient="H-4711")
    assert "MINE" in shown
    assert "OTHERS" not in shown
    assert "H-4711" not in shown


def test_a_broken_sender_a_note_and_a_conflict_are_said_in_words(browser, site):
    row = arrival(site, broken_off=True, note="Choose the one to use.")
    make.ArrivalConflictFactory(arrival=row)
    shown = page(browser)
    assert "The sender broke off" in shown
    assert "Choose the one to use." in shown
    assert "came again from PACS with other content" in shown


def test_a_conflict_and_an_arrival_are_settled_with_a_reason(browser, site):
    conflict = make.ArrivalConflictFactory(arrival=arrival(site))
    settle = reverse("web:inbox_settle", args=[conflict.pk])
    discard = reverse("web:inbox_discard", args=[conflict.arrival_id])
    assert "Say which image" in browser.post(settle, {}, follow=True).content.decode()
    browser.post(settle, {"reason": "The first."})
    browser.post(discard, {"reason": "A test object."})
    conflict.refresh_from_db()
    assert (conflict.settled_reason, conflict.arrival.status) == ("The first.", "discarded")
    assert "Nothing waits here" in page(browser)


def test_another_sites_arrivals_do_not_exist(browser):
    row = arrival(make.SiteFactory(code="SEH"), sender="ELSEWHERE")
    conflict = make.ArrivalConflictFactory(arrival=row)
    assert "ELSEWHERE" not in page(browser)
    for name, key in (("assign", row.pk), ("discard", row.pk), ("settle", conflict.pk)):
        assert browser.post(reverse(f"web:inbox_{name}", args=[key])).status_code == 404
