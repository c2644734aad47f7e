"""Signing in the browser: asked again who one is, the manifest with its files, locks, and the choice of e-mails."""

import json

import pytest
from django.urls import reverse

from studyportal.clinical.models import Form, FormUnlock, Signature
from studyportal.clinical.selectors import casebook_of
from studyportal.core.models import AuditEvent, User
from studyportal.sites.rules import Role
from tests import factories as make

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture
def form():
    participant = make.ParticipantFactory(site=make.SiteFactory(code="SPH"))
    row = make.FormFactory(participant=participant, verified=True)
    make.BaselineFactory(form=row)
    return row


@pytest.fixture
def investigator(client, form):
    user = make.person(Role.SITE_PI, form.participant.site)
    client.force_login(user)
    return user


def place(name, form):
    return reverse(f"web:{name}", args=[form.participant_id, form.kind, form.occurrence])


def posted(participant, **changes):
    sha256 = casebook_of(participant).sha256
    return {"meaning": "approval", "proof": PASSWORD, "seen": sha256} | changes


def sign_casebook(client, form):
    address = reverse("web:sign_casebook", args=[form.participant_id])
    return client.post(address, posted(form.participant))


def test_the_site_pi_signs_the_casebook_with_the_password(client, form, investigator):
    address = reverse("web:sign_casebook", args=[form.participant_id])
    page = client.get(address).content.decode()
    assert f"You sign as <strong>{investigator}</strong>" in page
    answer = sign_casebook(client, form)
    assert answer["Location"] == reverse("web:signatures", args=[form.participant_id])
    assert Signature.objects.filter(form=None, signed_by=investigator, way="password").count() == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"proof": "wrong"}, "neither your password nor a code of now"),
        ({"meaning": ""}, "This field is required"),
        ({"seen": "0" * 64}, "The record changed after you had looked at it"),
    ],
)
def test_a_signing_that_cannot_be_says_why_and_keeps_nothing(
    client, form, investigator, changes, sentence
):
    address = reverse("web:sign_casebook", args=[form.participant_id])
    answer = client.post(address, posted(form.participant, **changes))
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Signature.objects.exists()


def test_a_form_is_signed_locked_and_unlocked_by_two_people_from_its_page(
    client, form, investigator
):
    page = client.get(place("crf", form)).content.decode()
    assert place("crf_sign", form) in page
    shown = client.get(place("crf_sign", form)).context["sha256"]
    client.post(place("crf_sign", form), posted(form.participant, seen=shown))
    client.force_login(make.person(Role.DATA_MANAGER))
    client.post(place("crf_lock", form))
    client.post(place("crf_unlock_ask", form), {"why": "A date is wrong."})
    assert "A second person decides." in client.get(place("crf", form)).content.decode()
    client.force_login(make.person(Role.STUDY_PI))
    assert "A date is wrong." in client.get(reverse("web:signing")).content.decode()
    decide = reverse("web:crf_unlock_decide", args=[FormUnlock.objects.get().pk])
    client.post(decide, {"why": "Agreed.", "granted": "yes"})
    assert Form.objects.get().status == "signed"


def test_the_manifest_names_a_change_past_the_portal_on_every_page(client, form, investigator):
    sign_casebook(client, form)
    Form.objects.filter(pk=form.pk).update(revision=7)
    for name, key in (("signatures", form.participant_id), ("site_signatures", "SPH")):
        page = client.get(reverse(f"web:{name}", args=[key])).content.decode()
        assert "Changed past the portal:" in page
    assert "does not count" in client.get(reverse("web:signing")).content.decode()
    assert "changed past the portal" in client.get(place("crf", form)).content.decode()


def test_the_manifest_as_json_compares_both_digests_and_says_who_took_it(
    client, form, investigator
):
    sign_casebook(client, form)
    address = reverse("web:signatures_file", args=[form.participant_id, "json"])
    rows = json.loads(client.post(address).content)["signatures"]
    assert [row["sha256"] == row["computed_sha256"] for row in rows] == [True, True]
    assert {row["meaning"] for row in rows} == {"approval"}
    assert AuditEvent.objects.filter(verb="hand_out_signatures").count() == 1


@pytest.mark.parametrize("name", ["signatures_file", "site_signatures_file"])
def test_the_manifest_as_pdf(client, form, investigator, name):
    sign_casebook(client, form)
    key = "SPH" if name.startswith("site") else form.participant_id
    answer = client.post(reverse(f"web:{name}", args=[key, "pdf"]))
    assert answer.content.startswith(b"%PDF")


def test_another_sites_signatures_and_unlockings_do_not_exist(client, form, investigator):
    other = make.person(Role.SITE_PI, make.SiteFactory())
    client.force_login(other)
    for address in (
        reverse("web:sign_casebook", args=[form.participant_id]),
        reverse("web:signatures", args=[form.participant_id]),
        reverse("web:site_signatures", args=["SPH"]),
        place("crf_sign", form),
    ):
        assert client.get(address).status_code == 404, address
    manager = make.MembershipFactory(role=Role.DATA_MANAGER, site=make.SiteFactory()).user
    client.force_login(manager)
    unlock = make.FormUnlockFactory()
    decide = reverse("web:crf_unlock_decide", args=[unlock.pk])
    assert client.post(decide, {"why": "x", "granted": "yes"}).status_code == 404


def test_each_person_chooses_how_often_the_mail_comes(client):
    user = make.UserFactory()
    client.force_login(user)
    client.post(reverse("web:digest"), {"digest": "weekly"})
    assert User.objects.get(pk=user.pk).digest == "weekly"
    page = client.get(reverse("mfa_index")).content.decode()
    assert 'value="weekly" checked' in page
    client.post(reverse("web:digest"), {"digest": "hourly"})
    assert User.objects.get(pk=user.pk).digest == "weekly"
