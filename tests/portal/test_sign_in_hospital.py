"""OpenID Connect against a real identity provider on the loopback address."""

import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import requests
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from django.urls import reverse

from studyportal.core.models import AuditEvent, User
from studyportal.sites.rules import Role
from tests import factories as make
from tests.architecture.rendering import REPOSITORY
from tests.portal.oidc_provider import CLIENT, SECRET, SUBJECT

pytestmark = pytest.mark.django_db
EMAIL = "wang.li@hospital.example"
BACK = "http://testserver/account/oidc/hospital/back/"


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """Address of the hospital's provider, which has recognised one employee."""
    words = [sys.executable, "-m", "tests.portal.oidc_provider", EMAIL, BACK]
    process = subprocess.Popen(words, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@pytest.fixture
def hospital(provider, settings) -> str:
    app = {
        "provider_id": "hospital",
        "name": "Shanghai hospital",
        "client_id": CLIENT,
        "secret": SECRET,
        "settings": {"server_url": provider},
    }
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}
    }
    settings.OIDC_ISSUER, settings.OIDC_NAME = provider, "Shanghai hospital"
    return provider


def through(client: Client, hospital: str):
    """What the portal answers after the way there and back."""
    there = client.post(reverse("openid_connect_login", args=["hospital"]))
    assert there.status_code == 302
    assert there["Location"].startswith(f"{hospital}/identity/o/authorize?")
    assert "code_challenge_method=S256" in there["Location"]
    back = requests.get(there["Location"], allow_redirects=False, timeout=20)
    assert back.status_code == 302, back.text[:500]
    target = urlsplit(back.headers["Location"])
    assert back.headers["Location"].startswith(BACK)
    return client.get(f"{target.path}?{target.query}")


def invited(email: str = EMAIL) -> User:
    user = make.person(Role.DATA_MANAGER)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def test_the_hospital_opens_the_account_of_whoever_was_invited(hospital):
    user, client = invited(), Client()
    assert b"Sign in with Shanghai hospital" in client.get(reverse("web:login")).content
    answer = through(client, hospital)
    assert answer["Location"] == reverse("web:home")
    assert client.get(reverse("web:pairs")).status_code == 200
    link = SocialAccount.objects.get()
    assert link.user == user
    assert "identity provider" in AuditEvent.objects.get(verb="sign_in").sentence
    # The next time the subject is known, whatever became of the address.
    EmailAddress.objects.all().delete()
    assert through(Client(), hospital)["Location"] == reverse("web:home")
    assert SocialAccount.objects.count() == 1


def test_the_second_factor_is_asked_for_all_the_same(hospital, settings):
    settings.SECOND_FACTOR = True
    invited()
    client = Client()
    through(client, hospital)
    assert client.get(reverse("web:pairs"))["Location"] == reverse("mfa_index")


def test_somebody_nobody_invited_gets_no_account(hospital):
    client = Client()
    answer = through(client, hospital)
    assert b"Accounts are made by invitation" in answer.content
    assert not User.objects.filter(username=SUBJECT).exists()
    assert not SocialAccount.objects.exists()
    assert client.get(reverse("web:home")).status_code == 302


def test_a_closed_account_stays_closed(hospital):
    user = invited()
    user.is_active = False
    user.save()
    client = Client()
    assert through(client, hospital)["Location"] == reverse("account_inactive")
    assert client.get(reverse("web:home"))["Location"].startswith(reverse("web:login"))


def test_an_answer_nobody_asked_for_is_refused(hospital):
    invited()
    client = Client()
    address = reverse("openid_connect_callback", args=["hospital"])
    answer = client.get(address, {"code": "stolen", "state": "made up"})
    assert answer.status_code == 401
    assert "_auth_user_id" not in client.session
