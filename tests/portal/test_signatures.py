"""Signatures bind what was signed: what they ask for, what voids them, what is seen of a change past the portal, and locks."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from studyportal.clinical.models import Form, Signature
from studyportal.clinical.rules import Signing, canonical_text, digest_of
from studyportal.clinical.selectors import casebook_of, form_digests, signatures_of, signatures_on
from studyportal.clinical.services import (
    ask_form_unlock,
    decide_form_unlock,
    lock_form,
    lock_forms,
    open_form,
    reopen_form,
    sign_casebook,
    sign_form,
)
from studyportal.clinical.states import FormStatus
from studyportal.core import clock
from studyportal.core.errors import NotAllowed, Refused
from studyportal.core.selectors import acts_on, history_of
from studyportal.sites.rules import Role
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def participant():
    row = make.ParticipantFactory(site=make.SiteFactory(code="SPH"))
    make.ConsentFactory(participant=row)
    return row


@pytest.fixture
def investigator(participant):
    return make.person(Role.SITE_PI, participant.site)


def verified(participant, kind="baseline"):
    """A verified form with one row of answers."""
    form = make.FormFactory(participant=participant, kind=kind, verified=True)
    rows = {"baseline": make.BaselineFactory, "nodes": make.NodeRowFactory}
    rows[kind](form=form)
    return Form.objects.select_related("participant__site").get(pk=form.pk)


def signing(sha256, **changes):
    facts = {"meaning": "approval", "way": "password", "proved_at": clock.now(), "seen": sha256}
    return Signing(**(facts | changes))


def sign(form, by, **changes):
    return sign_form(form=form, signing=signing(form_digests([form])[form.pk], **changes), by=by)


def sign_all(participant, by):
    return sign_casebook(
        participant=participant, signing=signing(casebook_of(participant).sha256), by=by
    )


def past_the_portal(sql, *values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


# signing


def test_a_signature_keeps_who_when_what_it_means_and_the_digest(participant, investigator):
    form = verified(participant)
    row = sign(form, investigator)
    assert (row.signer_name, row.signer_roles, row.meaning, row.way) == (
        str(investigator), "Site PI", "approval", "password",
    )  # fmt: skip
    assert row.sha256 == form_digests([form])[form.pk]
    assert Form.objects.get(pk=form.pk).status == FormStatus.SIGNED
    assert [one.counts for one in signatures_on(form)] == [True]


def test_the_canonical_text_is_one_for_one_record():
    assert canonical_text({"b": "体重", "a": [1, None]}) == '{"a":[1,null],"b":"体重"}'
    assert digest_of({"b": 1, "a": 2}) == digest_of({"a": 2, "b": 1})


REFUSED = [
    ({"meaning": "because"}, "what your signature means"),
    ({"way": "smile"}, "Show again who you are"),
    ({"proved_at": clock.now() - timedelta(minutes=3)}, "counts for this signature alone"),
    ({"seen": "0" * 64}, "changed after you had looked"),
]


@pytest.mark.parametrize(("changes", "sentence"), REFUSED)
def test_a_signature_is_refused(participant, investigator, changes, sentence):
    with pytest.raises(Refused, match=sentence):
        sign(verified(participant), investigator, **changes)
    assert not Signature.objects.exists()


def test_only_the_site_pi_of_the_site_signs_and_only_what_is_verified(participant, investigator):
    form = verified(participant)
    for by in (make.person(Role.DATA_MANAGER), make.person(Role.SITE_PI, make.SiteFactory())):
        with pytest.raises(NotAllowed):
            sign(form, by)
    complete = make.FormFactory(participant=participant, kind="staging", complete=True)
    with pytest.raises(Refused, match="Staging is complete, not verified"):
        sign(complete, investigator)


def test_an_open_query_stands_in_the_way(participant, investigator):
    form = verified(participant)
    make.DataQueryFactory(subject_id=form.pk, participant_code=participant.code)
    with pytest.raises(Refused, match="not closed: 1"):
        sign(form, investigator)


def test_the_same_meaning_is_signed_once_and_another_one_too(participant, investigator):
    form = verified(participant)
    sign(form, investigator)
    form.refresh_from_db()
    with pytest.raises(Refused, match="same meaning already"):
        sign(form, investigator)
    sign(form, investigator, meaning="responsibility")
    assert [one.counts for one in signatures_on(form)] == [True, True]


def test_signing_the_casebook_signs_every_form_that_was_not(participant, investigator):
    first, second = verified(participant), verified(participant, "nodes")
    sign(first, investigator)
    whole = sign_all(participant, investigator)
    assert set(Form.objects.values_list("status", flat=True)) == {"signed"}
    assert list(whole.parts.values_list("form", flat=True)) == [second.pk]
    assert all(one.counts for one in signatures_of(participant))


def test_a_casebook_with_a_draft_or_without_forms_is_not_signed(participant, investigator):
    with pytest.raises(Refused, match="No form"):
        sign_all(participant, investigator)
    verified(participant)
    make.FormFactory(participant=participant, kind="nodes")
    with pytest.raises(Refused, match="is draft, not verified"):
        sign_all(participant, investigator)


# what voids a signature


def test_reopening_a_form_voids_its_signature_and_the_casebooks_and_leaves_the_others(
    participant, investigator
):
    form, other = verified(participant), verified(participant, "nodes")
    sign_all(participant, investigator)
    by = make.person(Role.COORDINATOR, participant.site)
    reopen_form(form=form, reason="The weight was read wrongly.", by=by)
    form.refresh_from_db()
    assert (form.status, form.verified_scope) == (FormStatus.DRAFT, "")
    standing = [one.signature.form_id for one in signatures_of(participant) if one.counts]
    assert standing == [other.pk]
    voided = Signature.objects.get(form=form)
    assert (voided.voided_by, voided.void_reason) == (by, "The weight was read wrongly.")
    assert acts_on("participant", participant.pk).filter(verb="void_signature").exists()


def test_opening_another_form_voids_the_casebooks_signature_alone(study, participant, investigator):
    verified(participant)
    sign_all(participant, investigator)
    by = make.person(Role.COORDINATOR, participant.site)
    open_form(participant=participant, kind="treatment", by=by)
    assert [(one.signature.form is None, one.counts) for one in signatures_of(participant)] == [
        (True, False),
        (False, True),
    ]


PAST = [
    "UPDATE clinical_baseline SET weight_kg = 63.5 WHERE form_id = %s",
    "UPDATE clinical_form SET status = 'draft' WHERE id = %s",
    "UPDATE clinical_form SET verified_at = now() WHERE id = %s",
    "UPDATE clinical_baseline SET void_reason = 'gone' WHERE form_id = %s",
    'UPDATE clinical_form SET unreadable = \'{"x": "y"}\' WHERE id = %s',
]


@pytest.mark.parametrize("sql", PAST)
def test_a_change_past_the_portal_is_seen_on_the_next_read_and_named(
    participant, investigator, sql
):
    form = verified(participant)
    sign_all(participant, investigator)
    past_the_portal(sql, form.pk)
    whole, part = signatures_of(participant)
    assert whole.broken
    assert part.broken
    assert [one.pk for one in whole.changed] == [form.pk]


def test_what_was_changed_past_the_portal_is_neither_locked_nor_signed_again(
    participant, investigator
):
    form = verified(participant)
    sign(form, investigator)
    past_the_portal("UPDATE clinical_baseline SET weight_kg = 63.5 WHERE form_id = %s", form.pk)
    with pytest.raises(Refused, match="past the portal"):
        lock_form(form=form, by=make.person(Role.DATA_MANAGER))
    form.refresh_from_db()
    with pytest.raises(Refused, match="Reopen it with a reason"):
        sign(form, investigator, meaning="review")


TAMPERED = [
    "UPDATE clinical_signature SET meaning = 'review'",
    "UPDATE clinical_signature SET sha256 = repeat('0', 64)",
    "UPDATE clinical_signature SET way = 'code', voided_at = now(), void_reason = 'x'",
    "DELETE FROM clinical_signature",
]


@pytest.mark.parametrize("sql", TAMPERED)
def test_the_database_lets_nobody_change_a_signature(sql):
    make.SignatureFactory()
    refused = pytest.raises(DatabaseError, match=r"append-only|permission denied")
    with refused, transaction.atomic():
        past_the_portal(sql)


def test_a_voided_signature_stays_voided():
    make.SignatureFactory(voided=True)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        past_the_portal(
            "UPDATE clinical_signature SET voided_at = NULL, voided_by_id = NULL, void_reason = ''"
        )


# locking


@pytest.fixture
def manager():
    return make.person(Role.DATA_MANAGER)


def test_a_locked_form_is_unlocked_by_two_people_and_stays_signed(
    participant, investigator, manager
):
    form = verified(participant)
    sign(form, investigator)
    assert lock_forms(participant=participant, by=manager) == 1
    with pytest.raises(Refused, match="cannot be reopened"):
        reopen_form(form=form, reason="x", by=make.person(Role.COORDINATOR, participant.site))
    unlock = ask_form_unlock(form=form, why="A date is wrong.", by=manager)
    with pytest.raises(NotAllowed, match="second person"):
        decide_form_unlock(unlock=unlock, granted=True, why="Yes.", by=manager)
    with pytest.raises(Refused, match="asked already"):
        ask_form_unlock(form=form, why="Again.", by=manager)
    second = make.person(Role.STUDY_PI)
    decide_form_unlock(unlock=unlock, granted=True, why="Agreed.", by=second)
    assert Form.objects.get(pk=form.pk).status == FormStatus.SIGNED
    assert [one.counts for one in signatures_on(form)] == [True]
    assert [move.target for move in history_of("form", form.pk)] == ["signed", "locked", "signed"]


def test_a_declined_unlocking_leaves_the_form_locked(participant, investigator, manager):
    form = verified(participant)
    sign(form, investigator)
    lock_form(form=form, by=manager)
    unlock = ask_form_unlock(form=form, why="A date is wrong.", by=manager)
    decide_form_unlock(
        unlock=unlock, granted=False, why="It is right.", by=make.person(Role.STUDY_PI)
    )
    assert Form.objects.get(pk=form.pk).status == FormStatus.LOCKED


def test_what_is_not_signed_is_not_locked_and_what_is_not_locked_not_unlocked(participant, manager):
    form = verified(participant)
    with pytest.raises(Refused, match="is verified, not signed"):
        lock_form(form=form, by=manager)
    with pytest.raises(Refused, match="No form of this participant"):
        lock_forms(participant=participant, by=manager)
    with pytest.raises(Refused, match="not locked"):
        ask_form_unlock(form=form, why="x", by=manager)
    with pytest.raises(Refused, match="Say why"):
        ask_form_unlock(form=form, why=" ", by=manager)


# the command


def test_verify_signatures_says_that_all_are_what_was_signed(participant, investigator, capsys):
    verified(participant)
    sign_all(participant, investigator)
    call_command("verify_signatures")
    assert "2 signatures were read." in capsys.readouterr().out


def test_verify_signatures_names_what_was_changed(participant, investigator):
    form = verified(participant)
    sign_all(participant, investigator)
    past_the_portal("UPDATE clinical_baseline SET weight_kg = 63.5 WHERE form_id = %s", form.pk)
    with pytest.raises(CommandError, match="Baseline"):
        call_command("verify_signatures")


def test_verify_signatures_finds_a_form_that_says_signed_without_a_signature(participant):
    form = verified(participant)
    past_the_portal("UPDATE clinical_form SET status = 'signed' WHERE id = %s", form.pk)
    with pytest.raises(CommandError, match="no signature"):
        call_command("verify_signatures")
