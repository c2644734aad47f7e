"""Invitations, roles that end, accounts that close, access reviews."""

import csv
import io
import re
from datetime import timedelta

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.management import call_command
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse
from rest_framework.authtoken.models import Token

from studyportal.core import clock
from studyportal.core.errors import NotAllowed, Refused
from studyportal.core.models import AuditEvent, User
from studyportal.sites.models import AccessReview, Invitation
from studyportal.sites.rules import Role
from studyportal.sites.rules.access import AccessFacts, Finding, findings, review_due
from studyportal.sites.services import (
    accept_invitation,
    close_account,
    drop_second_factors,
    end_role,
    invite,
    reopen_account,
    review_access,
    withdraw_invitation,
)
from tests import factories as make
from tests.portal.signed_in import signed_in

pytestmark = pytest.mark.django_db
CHOSEN = {
    "username": "li.na",
    "display_name": "Li Na",
    "password": "plum-rain-over-Suzhou",
}


@pytest.fixture
def administrator():
    return make.person(Role.ADMINISTRATOR)


def invited(by, **changes):
    wanted = {"email": "li.na@hospital.example", "role": Role.MONITOR, "site": None, **changes}
    return invite(**wanted, by=by)


def ids(refusal) -> set[str]:
    return {reason.id for reason in refusal.value.reasons}


# Invitations


def test_an_invitation_goes_by_mail_and_makes_the_account_once(administrator):
    site = make.SiteFactory()
    client, guest = signed_in(administrator), Client()
    typed = {"email": "Li.Na@hospital.example", "role": "coordinator", "site": site.pk}
    client.post(reverse("web:invite"), typed)
    [message] = mail.outbox
    assert message.to == ["li.na@hospital.example"]
    place = re.search(r"/invitation/[^\s/]+/", message.body).group()
    assert b"You are invited to take part as Coordinator" in guest.get(place).content
    answer = guest.post(place, {**CHOSEN, "again": CHOSEN["password"]})
    assert answer["Location"] == reverse("web:home")
    user = User.objects.get(username="li.na")
    assert [(one.role, one.site) for one in user.memberships.all()] == [(Role.COORDINATOR, site)]
    assert EmailAddress.objects.get(user=user).verified
    assert guest.get(reverse("web:pairs")).status_code == 200
    assert Client().get(place).status_code == 410
    row = Invitation.objects.get()
    assert row.accepted_by == user
    assert place.split("/")[2] not in row.token_sha256  # only its digest is kept


def test_a_guest_who_types_something_impossible_reads_why_and_loses_nothing(administrator):
    taken = make.UserFactory(username="li.na")
    place = reverse("web:invitation", args=[invited(administrator).token])
    weak = {"username": taken.username.upper(), "display_name": "Li Na", "password": "123456"}
    page = Client().post(place, {**weak, "again": "123456"})
    assert page.status_code == 422
    assert "This user name is taken" in page.content.decode()
    assert "Li Na" in page.content.decode()
    page = Client().post(place, {**CHOSEN, "username": "na.li", "again": "other"})
    assert "This is not the same password" in page.content.decode()
    assert not User.objects.filter(username="na.li").exists()
    assert Invitation.objects.get().is_open


def test_a_weak_password_is_refused_in_words(administrator):
    token = invited(administrator).token
    with pytest.raises(Refused) as refusal:
        accept_invitation(token=token, **{**CHOSEN, "password": "12345678"})
    assert ids(refusal) == {"password"}
    assert "12 characters" in str(refusal.value)


@pytest.mark.parametrize("fate", ["used", "withdrawn", "old", "made up"])
def test_an_invitation_that_is_over_makes_no_account(administrator, fate):
    token = invited(administrator).token
    row = Invitation.objects.get()
    if fate == "used":
        accept_invitation(token=token, **{**CHOSEN, "username": "first"})
    elif fate == "withdrawn":
        withdraw_invitation(invitation=row, by=administrator)
    later = clock.now() + timedelta(days=8 if fate == "old" else 0)
    with time_machine.travel(later), pytest.raises(Refused):
        accept_invitation(token="x" if fate == "made up" else token, **CHOSEN)
    assert not User.objects.filter(username="li.na").exists()


def test_a_second_invitation_of_the_same_kind_replaces_the_first(administrator):
    first, second = invited(administrator), invited(administrator)
    with pytest.raises(Refused):
        accept_invitation(token=first.token, **CHOSEN)
    assert accept_invitation(token=second.token, **CHOSEN).username == "li.na"


def test_who_has_an_account_is_not_invited_and_a_role_must_fit(administrator):
    owner = make.UserFactory()
    EmailAddress.objects.create(user=owner, email="li.na@hospital.example", verified=True)
    with pytest.raises(Refused) as refusal:
        invited(administrator, role=Role.COORDINATOR)
    assert ids(refusal) == {"email_taken", "role_scope"}


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_only_an_administrator_invites(role):
    with pytest.raises(NotAllowed):
        invited(make.person(role))


def test_a_mail_server_that_does_not_take_it_leaves_nobody_invited(administrator, monkeypatch):
    def down(*args, **kwargs):
        raise ConnectionRefusedError

    monkeypatch.setattr("studyportal.web.accounts.mails.send_mail", down)
    typed = {"email": "li.na@hospital.example", "role": "monitor", "site": ""}
    page = signed_in(administrator).post(reverse("web:invite"), typed, follow=True)
    assert b"The mail server did not take it" in page.content
    assert not Invitation.objects.get().is_open


# Roles and accounts


def test_a_closed_account_is_nobody_at_once_and_everything_it_did_stays(administrator):
    user = make.person(Role.COORDINATOR)
    done = make.AuditEventFactory(by=user)
    token = Token.objects.create(user=user)
    there = signed_in(user)
    assert there.get(reverse("web:pairs")).status_code == 200
    place = reverse("web:account_close", args=[user.username])
    signed_in(administrator).post(place, {"reason": "Left the hospital."})
    user.refresh_from_db()
    assert not user.is_active
    assert there.get(reverse("web:pairs")).status_code == 302
    head = {"authorization": f"Token {token.key}"}
    assert Client().get("/api/v1/participants/", headers=head).status_code == 401
    assert user.memberships.filter(ended_at=None).count() == 0
    assert AuditEvent.objects.get(pk=done.pk).by == user
    assert AuditEvent.objects.get(verb="close_account").reason == "Left the hospital."
    typed = {"login": user.username, "password": "correct horse battery"}
    answer = Client().post(reverse("web:login"), typed)
    assert answer["Location"] == reverse("account_inactive")


def test_an_account_opens_again_without_roles(administrator):
    user = make.person(Role.COORDINATOR)
    close_account(user=user, reason="Leave.", by=administrator)
    reopen_account(user=user, reason="Back.", by=administrator)
    user.refresh_from_db()
    assert user.is_active
    assert not user.memberships.filter(ended_at=None).exists()


def test_nobody_closes_the_own_account_and_the_last_administrator_stays(administrator):
    with pytest.raises(Refused) as refusal:
        close_account(user=administrator, reason="Tired.", by=administrator)
    assert ids(refusal) == {"own_account", "last_administrator"}
    with pytest.raises(Refused) as refusal:
        end_role(membership=administrator.memberships.get(), reason="Tired.", by=administrator)
    assert ids(refusal) == {"last_administrator"}


def test_every_change_of_access_needs_a_reason(administrator):
    user = make.person(Role.COORDINATOR)
    Authenticator.objects.create(user=user, type="totp", data={"secret": "x"})
    acts = (
        lambda reason: end_role(membership=user.memberships.get(), reason=reason, by=administrator),
        lambda reason: drop_second_factors(user=user, reason=reason, by=administrator),
        lambda reason: close_account(user=user, reason=reason, by=administrator),
        lambda reason: reopen_account(user=user, reason=reason, by=administrator),
    )
    for act in acts:
        with pytest.raises(Refused) as refusal:
            act("  ")
        assert "reason" in ids(refusal)
        act("Agreed with the PI.")


def test_whoever_lost_the_device_sets_up_a_new_one(administrator):
    user = make.person(Role.COORDINATOR)
    Authenticator.objects.create(user=user, type="totp", data={"secret": "x"})
    place = reverse("web:factors_drop", args=[user.username])
    signed_in(administrator).post(place, {"reason": "Called from the known number."})
    assert not Authenticator.objects.filter(user=user).exists()
    assert AuditEvent.objects.get(verb="drop_second_factors").by == administrator


def test_an_act_on_an_account_asks_again_who_one_is(administrator):
    user, client = make.person(Role.COORDINATOR), Client()
    client.force_login(administrator)
    place = reverse("web:account_close", args=[user.username])
    asked = client.post(place, {"reason": "Left."})
    assert asked["Location"].startswith(reverse("account_reauthenticate"))
    user.refresh_from_db()
    assert user.is_active
    typed = {"password": "correct horse battery", "next": place}
    done = client.post(asked["Location"], typed)
    assert done["Location"] == reverse("web:person", args=[user.username])
    user.refresh_from_db()
    assert not user.is_active


# Access reviews


def facts(**changes) -> AccessFacts:
    moment = clock.now()
    known = {
        "username": "wang", "name": "Wang", "active": True, "roles": ((Role.MONITOR, ""),),
        "created_at": moment, "last_sign_in": moment, "second_factors": {"totp", "recovery_codes"},
        "token_since": None,
    }  # fmt: skip
    return AccessFacts(**{**known, **changes})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, set()),
        ({"last_sign_in": -89}, set()),
        ({"last_sign_in": -90}, {Finding.UNUSED}),
        ({"last_sign_in": None, "created_at": -29}, set()),
        ({"last_sign_in": None, "created_at": -30}, {Finding.NEVER_USED}),
        ({"second_factors": {"recovery_codes"}}, {Finding.NO_SECOND_FACTOR}),
        ({"second_factors": {"webauthn"}}, {Finding.NO_RECOVERY}),
        ({"roles": ()}, {Finding.NO_ROLE}),
        ({"roles": ((Role.MONITOR, ""), (Role.COORDINATOR, "SPH"))}, {Finding.CONFLICT}),
        ({"token_since": -60}, {Finding.OLD_TOKEN}),
        ({"active": False}, {Finding.CLOSED_WITH_ACCESS}),
        ({"active": False, "roles": ()}, set()),
    ],
)
def test_a_review_finds_what_somebody_should_look_at(changes, expected):
    now = clock.now()
    moved = {
        name: now + timedelta(days=value) if isinstance(value, int) and name != "active" else value
        for name, value in changes.items()
    }
    moved = {name: frozenset(v) if isinstance(v, set) else v for name, v in moved.items()}
    assert {one.id for one in findings(facts(**moved), now=now)} == expected


def test_a_review_is_due_after_a_quarter():
    now = clock.now()
    assert review_due(None, now=now)
    assert not review_due(now - timedelta(days=90), now=now)
    assert review_due(now - timedelta(days=91), now=now)


def test_a_kept_review_says_what_was_seen_and_cannot_be_changed(administrator):
    make.MembershipFactory(user__username="=cmd", role=Role.MONITOR, site=None)
    client = signed_in(administrator)
    page = client.get(reverse("web:access_review")).content.decode()
    assert "Sees participant data and has no second factor." in page
    client.post(reverse("web:access_review"), {"note": "Asked both to set one up."})
    review = AccessReview.objects.get()
    assert {one["username"] for one in review.content} == {"=cmd", administrator.username}
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        AccessReview.objects.update(note="")
    file = client.get(reverse("web:access_review_file")).content.decode()
    names = [row["user_name"] for row in csv.DictReader(io.StringIO(file))]
    assert "'=cmd" in names


def test_the_command_prints_the_same_and_keeps_it(administrator, tmp_path, capsys):
    call_command(
        "access_review", csv=tmp_path / "access.csv", keep="All as it should be.",
        by=administrator.username,
    )  # fmt: skip
    assert "has no second factor" in capsys.readouterr().out
    assert administrator.username in (tmp_path / "access.csv").read_text()
    assert AccessReview.objects.get().note == "All as it should be."


def test_a_review_without_a_word_is_not_kept(administrator):
    with pytest.raises(Refused):
        review_access(note=" ", by=administrator)
