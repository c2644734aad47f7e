"""Pages of consent, withdrawal, the screening log and overrides."""

import uuid

import pytest
from django.test import Client
from django.urls import reverse

from studyportal.core import clock
from studyportal.participants.models import (
    Consent,
    ConsentVersion,
    Declined,
    EligibilityOverride,
    Participant,
    Withdrawal,
)
from studyportal.participants.rules import Answer, Scope, Why
from studyportal.participants.services import carry_out, record_withdrawal
from studyportal.sites.rules import Role
from studyportal.tasks import withdrawal as task
from tests.portal.web_study import Study, enrolled, person_at, screened, small_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def trial() -> Study:
    return small_study()


def client_of(trial: Study, role: Role = Role.COORDINATOR) -> Client:
    client = Client()
    client.force_login(trial.people[role])
    return client


def withdrawal_form(participant: Participant, **changes: str) -> dict[str, str]:
    told = {
        "scope": "remove", "withdrawn_on": clock.today().isoformat(), "why": "privacy", "note": "",
        "code": participant.code,
    }  # fmt: skip
    return {**told, **changes}


def test_a_withdrawal_is_recorded_once_however_often_the_form_is_sent(trial):
    participant = enrolled(trial.sites["SPH"], trial.coordinator)
    place = reverse("web:withdraw", args=[participant.pk])
    client = client_of(trial)
    first = client.post(place, withdrawal_form(participant))
    row = Withdrawal.objects.get()
    assert first["Location"] == reverse("web:withdrawal", args=[row.pk])
    second = client.post(place, withdrawal_form(participant))
    assert second.status_code == 422
    assert b"recorded already" in second.content
    assert Withdrawal.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"code": "SPH-00099"}, "This is not the code"),
        ({"withdrawn_on": "2999-01-01"}, "lies in the future"),
        ({"withdrawn_on": "2020-01-01"}, "cannot have been withdrawn before"),
        ({"scope": ""}, "required"),
    ],
)
def test_a_withdrawal_that_cannot_be_is_said_in_words_and_nothing_typed_is_lost(
    trial, changes, said
):
    participant = enrolled(trial.sites["SPH"], trial.coordinator)
    answer = client_of(trial).post(
        reverse("web:withdraw", args=[participant.pk]),
        withdrawal_form(participant, note="moved to the coast", **changes),
    )
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert "moved to the coast" in answer.content.decode()
    assert not Withdrawal.objects.exists()


def test_the_certificate_says_room_by_room_what_was_done(trial):
    participant = enrolled(trial.sites["SPH"], trial.coordinator)
    row = record_withdrawal(
        participant=participant, scope=Scope.REMOVE, withdrawn_on=clock.today(), why=Why.PRIVACY,
        note="", by=trial.coordinator,
    )  # fmt: skip
    client = client_of(trial, Role.MONITOR)
    place = reverse("web:withdrawal", args=[row.pk])
    assert "not finished yet" in client.get(place).content.decode()
    carry_out(withdrawal=row, rooms=task.ROOMS, in_use=task.in_use)
    body = client.get(place).content.decode()
    assert "carried out" in body
    assert "not yet" not in body
    for room in ("Data queries", "Clinical records", "Images", "Exports", "Files on disk"):
        assert room in body
    assert client.get(reverse("web:participant", args=[participant.pk])).status_code == 200


def test_another_sites_withdrawal_consent_and_override_do_not_exist(trial):
    participant = enrolled(trial.sites["SPH"], trial.coordinator)
    row = record_withdrawal(
        participant=participant, scope=Scope.STOP_COLLECTING, withdrawn_on=clock.today(),
        why=Why.NOT_SAID, note="", by=trial.coordinator,
    )  # fmt: skip
    other = Client()
    other.force_login(person_at(trial.sites["SEH"]))
    places = [
        reverse("web:withdrawal", args=[row.pk]),
        reverse("web:consent", args=[participant.pk]),
        reverse("web:withdraw", args=[participant.pk]),
        reverse("web:override_ask", args=[participant.pk]),
    ]
    assert [other.get(place).status_code for place in places] == [404] * 4
    assert [client_of(trial).get(place).status_code for place in places] == [200] * 4


def test_a_new_version_is_declared_asked_for_and_signed(trial):
    participant = enrolled(trial.sites["SPH"], trial.coordinator)
    today = clock.today().isoformat()
    declared = client_of(trial, Role.STUDY_PI).post(
        reverse("web:consent_declare"),
        {
            "site": trial.sites["SPH"].pk, "version": "2.0", "language": "zh", "valid_from": today,
            "requires_reconsent": "on", "approval": "SPH-EC-2026-17",
        },
    )  # fmt: skip
    assert declared.status_code == 302
    assert ConsentVersion.objects.get().approval == "SPH-EC-2026-17"
    client = client_of(trial)
    worklist = client.get(reverse("web:worklist")).content.decode()
    place = reverse("web:consent", args=[participant.pk])
    assert "New consent form to sign" in worklist
    assert place in worklist
    assert (
        "Nothing new is collected without it"
        in client.get(reverse("web:participant", args=[participant.pk])).content.decode()
    )
    signed = {"consent_version": "2.0", "consent_language": "zh", "consent_date": today}
    refused = client.post(place, {**signed, "consent_language": ""})
    assert "in which language" in refused.content.decode()
    assert client.post(place, signed).status_code == 302
    assert Consent.objects.filter(participant=participant).count() == 2
    assert (
        "New consent form"
        not in client.get(reverse("web:worklist")).content.decode().split("<tbody>")[1]
    )


def test_somebody_who_declined_stands_on_the_log_without_a_code(trial):
    client = client_of(trial)
    told = {
        "site": trial.sites["SPH"].pk, "declined_on": clock.today().isoformat(),
        "reason": "no_time", "sex": "", "age_band": "60_69", "submission": str(uuid.uuid4()),
    }  # fmt: skip
    for _ in range(2):
        assert client.post(reverse("web:declined"), told).status_code == 302
    assert Declined.objects.count() == 1
    body = client.get(reverse("web:screening_log")).content.decode()
    assert "no code" in body
    assert "60–69" in body
    shown = client.get(reverse("web:screening_log"), {"outcome": "enrolled"}).content.decode()
    assert "Nobody stands here" in shown


def test_an_override_goes_from_the_page_of_one_person_to_that_of_another(trial):
    participant = screened(trial.sites["SPH"], trial.coordinator, EXC_01=Answer.MET)
    page = reverse("web:participant", args=[participant.pk])
    assert "Ask for an override" in client_of(trial).get(page).content.decode()
    asked = client_of(trial).post(
        reverse("web:override_ask", args=[participant.pk]), {"reason": "Cured long ago."}
    )
    assert asked.status_code == 302
    override = EligibilityOverride.objects.get()
    place = reverse("web:override_decide", args=[override.pk])
    assert client_of(trial).get(place).status_code == 403
    pi = client_of(trial, Role.STUDY_PI)
    assert place in pi.get(page).content.decode()
    assert pi.post(place, {"granted": "yes"}).status_code == 422
    assert pi.post(place, {"granted": "yes", "reason": "Agreed."}).status_code == 302
    participant.refresh_from_db()
    assert participant.status == "eligible"
    body = pi.get(page).content.decode()
    assert "Assessments of eligibility" in body
    assert "granted" in body
    assert "another person decides" not in body


def test_sending_the_screening_form_twice_screens_once(trial):
    client, key = client_of(trial), str(uuid.uuid4())
    today = clock.today().isoformat()
    told = {
        "site": trial.sites["SPH"].pk, "sex": "F", "age_years": "63", "screening_date": today,
        "consent_date": today, "consent_version": "1.0", "submission": key,
        "INC-01": "met", "INC-02": "met", "INC-03": "met", "EXC-01": "not_met",
    }  # fmt: skip
    for _ in range(2):
        assert client.post(reverse("web:screen"), told).status_code == 302
    assert Participant.objects.count() == 1
    alike = client.post(reverse("web:screen"), {**told, "submission": str(uuid.uuid4())})
    assert alike.status_code == 422
    assert "was screened here on the same day" in alike.content.decode()
    sure = {**told, "submission": str(uuid.uuid4()), "another_person": "on"}
    assert client.post(reverse("web:screen"), sure).status_code == 302
    assert Participant.objects.count() == 2


@pytest.mark.parametrize("name", ["withdraw", "consent", "override_ask", "withdrawal"])
def test_a_forged_id_does_not_exist(trial, name):
    answer = client_of(trial).get(reverse(f"web:{name}", args=[uuid.uuid4()]))
    assert answer.status_code == 404
