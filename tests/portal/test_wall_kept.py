"""What the application may not change or take away, and what only the owner of the tables does."""

import itertools
from contextlib import closing

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from rest_framework.authtoken.models import Token

from studyportal.core.chain import verify
from studyportal.core.database.owner import as_owner
from studyportal.core.database.scope import (
    APPLICATION_ROLE,
    EVERY_SITE_ROLE,
    NO_SITE,
    Scope,
    within,
)
from studyportal.core.models import ChainLink, TrailEntry
from studyportal.core.redaction import REDACTED
from studyportal.core.tracking import chained_models, event_model_of
from studyportal.participants.models import Consent
from studyportal.sites.rules import Role
from tests import factories as make
from tests.architecture.rendering import generate

RIGHTS = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"]
CHANGES = ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"]


@pytest.mark.django_db
def test_a_version_of_a_row_that_may_be_deleted_is_kept_at_its_site():
    binding = make.PatientBindingFactory()
    with within(Scope(frozenset({binding.participant.site_id}))):
        binding.delete()
        kept = event_model_of(type(binding)).objects.filter(participant=binding.participant)
        assert kept.latest("pgh_id").pgh_label == "delete"


@pytest.mark.django_db
def test_what_is_done_at_one_site_is_sealed_in_the_chain():
    site = make.SiteFactory()
    with within(Scope(frozenset({site.pk}))):
        participant = make.ParticipantFactory(site=site)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # as a commit would
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        entry = TrailEntry.objects.get(participant_id=participant.pk, label="insert")
    assert ChainLink.objects.get(pk=entry.link).number > 0
    assert verify(moment=make.MOMENT).faults == []


@pytest.mark.django_db
def test_libraries_delete_what_is_theirs_before_anybody_has_a_site():
    user = make.person(Role.COORDINATOR, make.SiteFactory())
    Token.objects.create(user=user)
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={})
    with within(NO_SITE):
        cache.set("attempts", 5)
        cache.delete("attempts")
        assert cache.get("attempts") is None
        assert Token.objects.filter(user=user).delete()[0] == 1
        assert Authenticator.objects.filter(user=user).delete()[0] == 1


@pytest.mark.django_db
@pytest.mark.parametrize("role", [APPLICATION_ROLE, EVERY_SITE_ROLE])
def test_what_is_clinical_cannot_be_deleted_and_what_is_kept_cannot_be_changed(role):
    portal = {m._meta.db_table for m in generate.portal_models()}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, array_agg(r) FROM pg_class, unnest(%s::text[]) r WHERE relkind = 'r' "
            "AND relnamespace = 'public'::regnamespace AND has_table_privilege(%s, pg_class.oid, r) "
            "GROUP BY relname",
            [RIGHTS, role],
        )
        held = {table: set(rights) for table, rights in cursor.fetchall()}
    deletable = {table for table in portal if "DELETE" in held[table]}
    assert deletable == {"imaging_patientbinding", "reading_casevolume"}
    kept = {
        "queries_querymessage",
        "outcomes_resultrow",
        "participants_eligibilityassessment",
        "participants_criterionanswer",
        "sites_accessreview",
        *chained_models(),
    }
    for table in kept:
        assert held[table] == {"SELECT", "INSERT"}, table
    for table in ("core_trailentry", "core_chainlink", "core_chainhead", "core_eventshape"):
        assert held[table] == {"SELECT"}, table
    assert all(not rights & {"TRUNCATE", "REFERENCES", "TRIGGER"} for rights in held.values())
    assert held["django_migrations"] == {"SELECT"}


@pytest.mark.django_db(transaction=True)
def test_not_even_the_owner_changes_what_is_kept():
    kept = {
        "core_auditevent": make.AuditEventFactory,
        "core_statuschange": make.StatusChangeFactory,
        "queries_querymessage": make.QueryMessageFactory,
        "outcomes_resultrow": make.ResultRowFactory,
        "participants_criterionanswer": make.CriterionAnswerFactory,
        "sites_accessreview": make.AccessReviewFactory,
        "participants_consentevent": make.ConsentFactory,
        "core_trailentry": make.ConsentFactory,
    }
    for factory in kept.values():
        factory()
    with as_owner(connection):
        for table, change in itertools.product(kept, CHANGES):
            with (
                closing(connection.cursor()) as cursor,
                pytest.raises(DatabaseError, match=r"append-only|cannot be emptied"),
            ):
                cursor.execute(change.format(table))


@pytest.mark.django_db
def test_nobody_changes_their_login_within_a_transaction():
    with pytest.raises(RuntimeError, match="transaction"), as_owner(connection):
        pytest.fail("it went on")


@pytest.mark.django_db(transaction=True)
def test_a_redaction_signs_in_as_the_owner_and_leaves_the_application_behind():
    make.MembershipFactory(user__username="pi", role=Role.STUDY_PI, study_wide=True)
    consent = make.ConsentFactory(version="Zhang Wei")
    events = event_model_of(Consent)
    event = events.objects.get(pgh_obj_id=consent.pk)
    table = events._meta.db_table
    words = ["--field", "version", "--reason", "A name stood there.", "--by", "pi"]
    call_command("redact_audit", table, str(event.pk), *words)
    assert events.objects.get(pk=event.pk).version == REDACTED
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_user")
        assert cursor.fetchone() == (APPLICATION_ROLE,)
    assert verify(moment=make.MOMENT).faults == []


def test_without_a_login_of_the_owner_a_redaction_says_what_is_missing(settings):
    settings.DATABASE_OWNER = settings.DATABASES["default"]
    with pytest.raises(CommandError, match="DATABASE_OWNER_URL"):
        call_command("redact_audit", "t", "1", "--field", "f", "--reason", "r", "--by", "pi")
