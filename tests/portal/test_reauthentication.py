"""Showing again who one is: for exports, and for what a signature rests on."""

import time

import pytest
import time_machine
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.test import Client, RequestFactory
from django.urls import reverse

from studyportal.core.errors import Refused
from studyportal.core.models import AuditEvent
from studyportal.exports.models import Export
from studyportal.sites.rules import Role
from studyportal.web.accounts.reauthentication import Way, prove_again
from tests import factories as make
from tests.portal.signed_in import signed_in

pytestmark = pytest.mark.django_db
PASSWORD, SECRET = "correct horse battery", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def request_of(user):
    """A request of somebody who is signed in, as a view gets it."""
    request = RequestFactory().post("/sign/")
    for middleware in (SessionMiddleware, MessageMiddleware):
        middleware(lambda _: None).process_request(request)
    request.user = user
    return request


def test_the_password_is_a_proof():
    user = make.person(Role.SITE_PI)
    proof = prove_again(request_of(user), proof=PASSWORD)
    assert (proof.user, proof.way) == (user, Way.PASSWORD)


def test_a_code_is_a_proof_once():
    user = make.person(Role.SITE_PI)
    TOTP.activate(user, SECRET)
    code = format_hotp_value(hotp_value(SECRET, int(time.time()) // 30))
    request = request_of(user)
    assert prove_again(request, proof=f" {code[:3]} {code[3:]} ").way is Way.CODE
    with pytest.raises(Refused, match="neither your password nor a code of now"):
        prove_again(request, proof=code)


def test_a_recovery_code_is_a_proof_once():
    user = make.person(Role.SITE_PI)
    TOTP.activate(user, SECRET)
    code = RecoveryCodes.activate(user).get_unused_codes()[0]
    request = request_of(user)
    assert prove_again(request, proof=code).way is Way.CODE
    with pytest.raises(Refused):
        prove_again(request, proof=code)


@pytest.mark.parametrize("proof", ["", " ", "wrong", "000000", "correct horse"])
def test_anything_else_is_none(proof):
    with pytest.raises(Refused) as refusal:
        prove_again(request_of(make.person(Role.SITE_PI)), proof=proof)
    assert [reason.where for reason in refusal.value.reasons] == ["proof"]


def test_five_wrong_proofs_lock_signing_and_signing_in():
    user = make.person(Role.SITE_PI)
    for _ in range(5):
        with pytest.raises(Refused, match="neither"):
            prove_again(request_of(user), proof="wrong")
    with pytest.raises(Refused, match="Too many wrong attempts"):
        prove_again(request_of(user), proof=PASSWORD)
    typed = {"login": user.username, "password": PASSWORD}
    assert Client().post(reverse("web:login"), typed).status_code == 429
    assert AuditEvent.objects.filter(verb="lock_out", object_id=str(user.pk)).count() == 1


def test_another_persons_password_is_no_proof():
    other = make.UserFactory(password="another person's words")
    with pytest.raises(Refused):
        prove_again(request_of(make.person(Role.SITE_PI)), proof="another person's words")
    assert other.is_active


def test_an_export_asks_again_and_goes_on_with_what_was_asked(study):
    client, place = Client(), reverse("web:request_pairs_export")
    client.force_login(make.person(Role.STATISTICIAN))
    asked = client.post(place, {"site": "SPH", "reason": "To train."})
    assert asked["Location"] == f"{reverse('account_reauthenticate')}?next=%2Fexports%2Fpairs%2F"
    assert not Export.objects.exists()
    wrong = client.post(asked["Location"], {"password": "wrong", "next": place})
    assert wrong.status_code == 200
    assert not Export.objects.exists()
    done = client.post(asked["Location"], {"password": PASSWORD, "next": place})
    assert done["Location"] == reverse("web:exports")
    assert Export.objects.get().purpose == "To train."


def test_a_proof_lasts_five_minutes(study):
    place, typed = reverse("web:request_pairs_export"), {"site": "SPH", "reason": "To train."}
    with time_machine.travel("2026-03-02 08:00:00+00:00", tick=False) as clock:
        client = signed_in(make.person(Role.STATISTICIAN))
        clock.shift(299)
        assert client.post(place, typed)["Location"] == reverse("web:exports")
        clock.shift(2)
        assert client.post(place, typed)["Location"].startswith(reverse("account_reauthenticate"))


def test_the_api_asks_a_session_too_and_a_token_not(study):
    user, client = make.person(Role.STATISTICIAN), Client()
    client.force_login(user)
    body = {"reason": "To train."}
    asked = client.post("/api/v1/exports/pairs/", body, "application/json")
    assert asked.status_code == 403
    assert "Confirm who you are" in asked.json()["detail"]
    signed_in(user, client)
    assert client.post("/api/v1/exports/pairs/", body, "application/json").status_code == 202


def test_a_reading_page_asks_nothing_again(study):
    client = Client()
    client.force_login(make.person(Role.STATISTICIAN))
    assert client.get(reverse("web:exports")).status_code == 200
