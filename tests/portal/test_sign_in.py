"""Signing in: passwords, lock-out, second factors, the length of sessions, what the trail and the logs say."""

import logging
import time

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.conf import settings as portal_settings
from django.test import Client
from django.urls import reverse

from studyportal.core.models import AuditEvent
from studyportal.sites.rules import Role, needs_second_factor
from studyportal.web.accounts.sessions import Ended, session_over
from tests import factories as make

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
LOGIN = "web:login"


def code_now(step: int = 0) -> str:
    return format_hotp_value(hotp_value(SECRET, int(time.time()) // 30 + step))


def try_in(client: Client, user, password: str = PASSWORD, **more):
    return client.post(reverse(LOGIN), {"login": user.username, "password": password}, **more)


def with_app(user):
    TOTP.activate(user, SECRET)
    return user


@pytest.fixture
def codes(settings):
    settings.SECOND_FACTOR = True


def test_a_wrong_password_and_an_unknown_name_read_the_same():
    user = make.person(Role.MONITOR)
    wrong = try_in(Client(), user, "wrong").content.decode()
    unknown = Client().post(reverse(LOGIN), {"login": "nobody", "password": "wrong"})
    said = "The user name and the password do not fit."
    assert said in wrong
    assert said in unknown.content.decode()


def test_five_wrong_passwords_lock_and_the_right_one_does_not_help():
    user, client = make.person(Role.MONITOR), Client()
    answers = [try_in(client, user, "wrong").status_code for _ in range(5)]
    assert answers == [200, 200, 200, 200, 429]
    locked = try_in(client, user)
    assert locked.status_code == 429
    assert "Try again in 15 minutes" in locked.content.decode()
    assert "_auth_user_id" not in client.session
    assert AuditEvent.objects.filter(verb="lock_out", object_id=str(user.pk)).count() == 1


def test_capitals_and_spaces_give_no_more_attempts():
    user, client = make.person(Role.MONITOR), Client()
    for n, name in enumerate((user.username, user.username.upper(), f" {user.username}") * 2):
        answer = client.post(reverse(LOGIN), {"login": name, "password": "wrong"})
        if n == 4:
            break
    assert answer.status_code == 429


def test_a_lock_holds_for_one_person_at_one_address_and_ends_by_itself():
    user, other = make.person(Role.MONITOR), make.person(Role.DATA_MANAGER)
    with time_machine.travel("2026-03-02 08:00:00+00:00", tick=False) as clock:
        for _ in range(5):
            try_in(Client(), user, "wrong")
        assert try_in(Client(), other).status_code == 302
        assert try_in(Client(), user, REMOTE_ADDR="10.0.0.9").status_code == 302
        clock.shift(14 * 60)
        assert try_in(Client(), user).status_code == 429
        clock.shift(2 * 60)
        assert try_in(Client(), user).status_code == 302


def test_the_address_is_read_behind_the_proxies_that_are_named(settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    user = make.person(Role.MONITOR)
    for _ in range(5):
        try_in(Client(), user, "wrong", headers={"x-forwarded-for": "1.1.1.1, 10.0.0.1"})
    forged = try_in(Client(), user, headers={"x-forwarded-for": "9.9.9.9, 10.0.0.1"})
    elsewhere = try_in(Client(), user, headers={"x-forwarded-for": "1.1.1.1, 10.0.0.2"})
    assert (forged.status_code, elsewhere.status_code) == (429, 302)


def test_signing_in_and_out_stand_in_the_trail_and_a_failure_names_nobody_in_the_logs(caplog):
    caplog.set_level(logging.DEBUG)
    user, client = make.person(Role.MONITOR), Client()
    try_in(client, user, "Zwielicht-4711")
    try_in(client, user)
    client.post(reverse("web:logout"))
    verbs = AuditEvent.objects.filter(object_id=str(user.pk)).values_list("verb", flat=True)
    assert list(verbs) == ["sign_in", "sign_out"]
    assert "Zwielicht" not in caplog.text
    assert user.username not in caplog.text
    assert "127.0.0.1" not in caplog.text


def test_passwords_are_kept_by_argon2_and_stay_long():
    from studyportal.config import accounts

    assert accounts.PASSWORD_HASHERS[0].endswith("Argon2PasswordHasher")
    assert {"min_length": 12} in [
        one.get("OPTIONS") for one in portal_settings.AUTH_PASSWORD_VALIDATORS
    ]


# Second factors


def test_every_role_of_the_study_needs_a_second_factor_and_nobody_needs_none():
    assert all(needs_second_factor([role]) for role in Role)
    assert not needs_second_factor([])


def test_whoever_has_none_is_led_to_set_one_up_before_anything_else_opens(codes):
    client = Client()
    try_in(client, make.person(Role.DATA_MANAGER))
    assert client.get(reverse("web:pairs"))["Location"] == reverse("mfa_index")
    assert client.get(reverse("admin:index"))["Location"] == reverse("mfa_index")
    assert client.get("/api/v1/participants/").status_code == 403
    page = client.get(reverse("mfa_index"))
    assert b"Your roles see participant data" in page.content


def test_an_app_is_set_up_and_opens_the_study(codes):
    user, client = make.person(Role.DATA_MANAGER), Client()
    try_in(client, user)
    page = client.get(reverse("mfa_activate_totp"))
    secret = page.context["form"].secret
    code = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
    done = client.post(reverse("mfa_activate_totp"), {"code": code})
    assert done["Location"] == reverse("mfa_view_recovery_codes")
    assert client.get(reverse("web:pairs")).status_code == 200
    kept = Authenticator.objects.get(user=user, type="totp").data["secret"]
    assert secret not in kept
    assert AuditEvent.objects.filter(verb="add_second_factor", by=user).exists()


def test_signing_in_asks_for_the_code_and_takes_it_once(codes):
    user = with_app(make.person(Role.DATA_MANAGER))
    client, thief = Client(), Client()
    assert try_in(client, user)["Location"] == reverse("mfa_authenticate")
    assert client.get(reverse("web:pairs"))["Location"].startswith(reverse(LOGIN))
    code = code_now()
    assert client.post(reverse("mfa_authenticate"), {"code": code})["Location"] == "/"
    assert client.get(reverse("web:pairs")).status_code == 200
    try_in(thief, user)
    again = thief.post(reverse("mfa_authenticate"), {"code": code})
    assert b"used already" in again.content


def test_five_wrong_codes_are_the_last(codes):
    user, client = with_app(make.person(Role.DATA_MANAGER)), Client()
    try_in(client, user)
    for _ in range(5):
        client.post(reverse("mfa_authenticate"), {"code": "000000"})
    answer = client.post(reverse("mfa_authenticate"), {"code": code_now()})
    assert b"Too many wrong attempts" in answer.content


def test_a_session_opened_before_the_factor_was_set_up_gives_it_too(codes):
    user, old = make.person(Role.DATA_MANAGER), Client()
    old.force_login(user)
    with_app(user)
    answer = old.get(reverse("web:pairs"))
    assert answer["Location"].startswith(reverse("mfa_reauthenticate"))
    old.post(reverse("mfa_reauthenticate"), {"code": code_now(), "next": "/pairs/"})
    assert old.get(reverse("web:pairs")).status_code == 200


def test_a_token_needs_the_code_too(codes):
    client, user = Client(), make.person(Role.DATA_MANAGER)
    body = {"username": user.username, "password": PASSWORD}
    ask = lambda **more: client.post("/api/v1/token/", {**body, **more}, "application/json")  # noqa: E731
    assert "Set up an authenticator app" in ask().content.decode()
    with_app(user)
    assert "Give a code" in ask().content.decode()
    assert ask(code="000000").status_code == 400
    assert "token" in ask(code=code_now()).json()


def test_a_token_that_is_too_old_opens_nothing(settings):
    from rest_framework.authtoken.models import Token

    token = Token.objects.create(user=make.person(Role.DATA_MANAGER))
    head = {"authorization": f"Token {token.key}"}
    assert Client().get("/api/v1/participants/", headers=head).status_code == 200
    settings.API_TOKEN_DAYS = 0
    answer = Client().get("/api/v1/participants/", headers=head)
    assert answer.status_code == 401
    assert "older than 0 days" in answer.content.decode()


def test_the_administration_has_no_way_in_of_its_own(codes):
    staff = make.UserFactory(is_staff=True, is_superuser=True)
    with_app(staff)
    page = Client().get(reverse("admin:login"))
    assert page.status_code == 302
    assert page["Location"].startswith(reverse(LOGIN))
    typed = {"username": staff.username, "password": PASSWORD}
    assert Client().post(reverse("admin:login"), typed)["Location"].startswith(reverse(LOGIN))


# Sessions


@pytest.mark.parametrize(
    ("began", "seen", "now", "expected"),
    [
        (0, 0, 1799, None),
        (0, 0, 1800, Ended.IDLE),
        (0, 28_000, 28_799, None),
        (0, 28_799, 28_800, Ended.TOO_LONG),
    ],
)
def test_a_session_ends_at_the_very_second(began, seen, now, expected):
    limits = {"idle_seconds": 1800, "absolute_seconds": 28_800}
    assert session_over(began=began, seen=seen, now=now, **limits) is expected


def test_half_an_hour_without_an_act_ends_the_session_and_a_page_that_polls_is_no_act():
    user, client = make.person(Role.DATA_MANAGER), Client()
    with time_machine.travel("2026-03-02 08:00:00+00:00", tick=False) as clock:
        try_in(client, user)
        clock.shift(29 * 60)
        assert client.get(reverse("web:pairs")).status_code == 200
        for _ in range(3):
            clock.shift(11 * 60)
            polled = client.get(reverse("web:jobs_now"), headers={"hx-request": "true"})
        assert polled.status_code == 401
        answer = client.get(reverse("web:pairs"), follow=True)
    assert answer.redirect_chain[0][0].startswith(reverse(LOGIN))
    ended = AuditEvent.objects.get(verb="end_session")
    assert "idle" in ended.sentence


def test_eight_hours_end_the_session_however_busy_it_is():
    user, client = make.person(Role.DATA_MANAGER), Client()
    with time_machine.travel("2026-03-02 00:00:00+00:00", tick=False) as clock:
        try_in(client, user)
        for _ in range(23):
            clock.shift(20 * 60)
            assert client.get(reverse("web:pairs")).status_code == 200
        clock.shift(20 * 60)
        answer = client.get(reverse("web:pairs"), follow=True)
    assert "because the session had lasted long" in answer.content.decode()


# Personas of the demonstration


def test_a_persona_signs_in_with_one_click_in_the_demonstration(settings):
    settings.DEMO = True
    user, client = make.person(Role.DATA_MANAGER), Client()
    assert user.username in client.get(reverse(LOGIN)).content.decode()
    answer = client.post(reverse("web:persona"), {"username": user.username})
    assert answer["Location"] == reverse("web:home")
    assert client.get(reverse("web:pairs")).status_code == 200


def test_elsewhere_there_are_no_personas(settings):
    settings.DEMO = False
    user, client = make.person(Role.DATA_MANAGER), Client()
    assert b"one click" not in client.get(reverse(LOGIN)).content
    answer = client.post(reverse("web:persona"), {"username": user.username})
    assert answer.status_code == 404
    assert "_auth_user_id" not in client.session


def test_a_persona_gives_the_second_factor_where_it_is_switched_on(codes, settings):
    settings.DEMO = True
    user, client = with_app(make.person(Role.DATA_MANAGER)), Client()
    answer = client.post(reverse("web:persona"), {"username": user.username})
    assert answer["Location"] == reverse("mfa_authenticate")
