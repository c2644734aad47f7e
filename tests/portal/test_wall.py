"""The second wall: PostgreSQL shows no row of another site, also where a view forgets to ask."""

import threading
from contextlib import contextmanager
from operator import attrgetter

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from psycopg import ClientCursor
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from studyportal.core.audit_context import because
from studyportal.core.database.bindings import (
    bindings,
    machines,
    portal_models,
    tracked_by,
    unbound_models,
)
from studyportal.core.database.owner import as_owner
from studyportal.core.database.roles import RolesRefused, prepare_roles
from studyportal.core.database.scope import (
    APPLICATION_ROLE,
    EVERY_SITE_ROLE,
    NO_SITE,
    Scope,
    current_scope,
    over_every_site,
    within,
)
from studyportal.core.database.wall import raise_wall, wall_stands
from studyportal.core.models import TrailEntry
from studyportal.core.tracking import event_model_of
from studyportal.participants.models import Consent, Participant
from studyportal.sites.models import DataLock
from studyportal.sites.rules import Role
from studyportal.sites.selectors import scope_of
from studyportal.tasks.dispatch import app, portal_task
from tests import factories as make
from tests.architecture.rendering import generate
from tests.architecture.test_factories import FACTORIES

# Models whose rows belong to no site, and why that is right. Their versions in the trail belong to none either.
UNBOUND = {
    "core.user": "people belong to sites by memberships, and several to none",
    "sites.site": "the ground of the wall; who takes part stands in the trial registry",
    "sites.membership": "the ground of the wall: asked before anybody's sites are known",
    "sites.invitation": "the ground of the wall: accepted by somebody who has no site yet",
    "sites.accessreview": "of all people at once, for those who manage people",
    "core.usergroup": "people belong to no site",
    "core.userpermission": "people belong to no site",
    "core.chainlink": "digests over transactions of all sites; its entries are bound",
    "core.chainhead": "the one end of the chain",
    "core.eventshape": "names of columns",
    "core.redaction": "names an event and not what it said; the event is bound",
    "protocol.protocolversion": "one for the whole study",
    "imaging.derivedvolume": "named by the digest of what it was made of, reached by way of a pair",
    "syntheses.modelrelease": "one for the whole study",
    "syntheses.primaryrelease": "one for the whole study",
    "syntheses.synthesisbatch": "counts over all sites; its jobs are bound",
    "outcomes.indextest": "part of the plan",
    "outcomes.datacut": "over all sites; its pairs are bound",
    "outcomes.evaluationrun": "over all sites",
    "outcomes.resultrow": "estimates over all sites, for those who see outcomes",
    "outcomes.runfile": "a report over all sites",
    "outcomes.releasecomparison": "over all sites",
    "outcomes.comparedrelease": "over all sites; its series are bound",
    "outcomes.resultopening": "of a cut, over all sites",
    "reading.readingsession": "over all sites; its cases, reads and answers are bound",
    "reading.readingarm": "part of the design of a session",
    "reading.sessionreader": "readers read for the whole study; their reads are bound",
}
# Nothing that a factory makes leads to a row of these within one transaction.
NO_FACTORY = {"core.chainhead", "core.usergroupevent", "core.userpermissionevent"}


def names(rows):
    return [model._meta.label_lower for model in rows]


def stranger():
    """A coordinator of a site that has nothing yet."""
    return make.person(Role.COORDINATOR, make.SiteFactory())


def asks(user, place, settings):
    settings.ROOT_URLCONF = "tests.portal.unfiltered"
    client = Client()
    client.force_login(user)
    return client.get(place)


@contextmanager
def owner_beside():
    """Another connection, of the owner."""
    beside = connection.copy()
    with as_owner(beside):
        yield beside


def visible(scope):
    with within(scope):
        return set(Participant.objects.values_list("code", flat=True))


def test_every_model_belongs_to_a_site_or_says_why_not():
    unbound = {tracked_by(model)._meta.label_lower for model in unbound_models()}
    assert unbound == set(UNBOUND)


def test_versions_belong_where_their_row_belongs():
    bound = bindings()
    for model in portal_models():
        tracked = tracked_by(model)._meta.concrete_model._meta.db_table
        assert (model._meta.db_table in bound) == (tracked in bound), model


def test_every_history_belongs_to_a_model():
    assert {machine.name for machine in generate.machines()} <= set(machines())


@pytest.mark.django_db
def test_a_view_without_any_filter_shows_no_row_of_another_site(settings):
    for kind in FACTORIES.values():
        kind()
    user = stranger()
    own = TrailEntry.objects.filter(site_id=user.memberships.get().site_id).count()
    free = set(names(unbound_models()))
    counted = asks(user, "/counts/", settings).json()
    seen = {label: n for label, n in counted.items() if n and label not in free}
    assert seen == {"core.trailentry": own}
    everything = asks(make.MembershipFactory(study_wide=True).user, "/counts/", settings).json()
    assert {label for label, n in everything.items() if not n} <= NO_FACTORY


@pytest.mark.django_db
@pytest.mark.parametrize("place", ["/by-hand/", "/stream/", "/codes/", "/dicom-codes/"])
def test_each_entrance_shows_the_own_site_only(place, settings):
    own, other = make.ParticipantFactory(), make.ParticipantFactory()
    answer = asks(make.person(Role.COORDINATOR, own.site), place, settings)
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    assert own.code in body.decode()
    assert other.code not in body.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("place", ["/codes/", "/dicom-codes/"])
def test_a_token_shows_the_sites_of_its_owner(place, settings):
    settings.ROOT_URLCONF = "tests.portal.unfiltered"
    own, other = make.ParticipantFactory(), make.ParticipantFactory()
    token = Token.objects.create(user=make.person(Role.COORDINATOR, own.site)).key
    answer = APIClient().get(place, HTTP_AUTHORIZATION=f"Token {token}")
    assert answer.json() == [own.code]
    assert other.code not in answer.json()


@pytest.mark.django_db
def test_each_row_is_seen_at_its_own_site():
    series = make.ImagingSeriesFactory()
    consent = make.ConsentFactory(participant=series.pair.participant)
    with within(Scope(frozenset({series.pair.participant.site_id}))):
        assert type(series).objects.get() == series
        assert Consent.objects.get() == consent


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "way"),
    [
        (make.StagingFactory, "form.participant.site"),
        (make.SpecimenRowFactory, "form.participant.site"),
        (make.ReconciliationFactory, "form.participant.site"),
        (make.ReferenceStandardFactory, "participant.site"),
        (make.WithdrawalStepFactory, "withdrawal.participant.site"),
        (make.EligibilityOverrideFactory, "participant.site"),
        (make.DeclinedFactory, "site"),
        (make.ConsentVersionFactory, "site"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_row_and_its_versions_are_seen_at_the_site_that_it_leads_to(kind, way):
    row, other = kind(), kind()
    events = event_model_of(kind._meta.model)
    with within(Scope(frozenset({attrgetter(way)(row).pk}))):
        assert kind._meta.model.objects.filter(pk__in=[row.pk, other.pk]).get() == row
        assert set(events.objects.values_list("pgh_obj_id", flat=True)) == {row.pk}


@pytest.mark.django_db
def test_a_lock_of_the_study_is_seen_everywhere_and_one_of_a_site_there_only():
    site = make.SiteFactory()
    of_study, here = make.DataLockFactory(site=None), make.DataLockFactory(site=site)
    make.DataLockFactory(site=make.SiteFactory())
    with within(Scope(frozenset({site.pk}))):
        assert set(DataLock.objects.all()) == {of_study, here}


@pytest.mark.django_db
def test_whoever_was_not_told_a_site_sees_none():
    make.ParticipantFactory()
    assert visible(NO_SITE) == set()


@pytest.mark.django_db
def test_a_thread_of_its_own_starts_without_a_site():
    seen = []
    thread = threading.Thread(target=lambda: seen.append(current_scope()))
    thread.start()
    thread.join()
    assert seen == [NO_SITE]


@pytest.mark.django_db
def test_a_row_of_another_site_can_be_neither_made_nor_moved_nor_changed():
    here, there = make.ParticipantFactory(), make.ParticipantFactory()
    with within(Scope(frozenset({here.site_id}))):
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            make.ParticipantFactory(site=there.site, created_by=here.created_by)
        with (
            pytest.raises(DatabaseError, match="row-level security"),
            transaction.atomic(),
            because("The site was mistaken."),
        ):
            Participant.objects.filter(pk=here.pk).update(site=there.site)
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            make.ConsentFactory(participant=there)
        assert Participant.objects.filter(pk=there.pk).update(age_years=1) == 0


@pytest.mark.django_db
def test_the_scope_of_before_holds_again_after_an_inner_one_and_after_a_rollback():
    one, other = make.ParticipantFactory(), make.ParticipantFactory()
    with within(Scope(frozenset({one.site_id}))):
        with pytest.raises(DatabaseError), transaction.atomic(), over_every_site("for a test"):
            assert Participant.objects.count() == 2
            Participant.objects.filter(pk=other.pk).update(age_years=999)
        assert list(Participant.objects.all()) == [one]


@pytest.mark.django_db(transaction=True)
def test_outside_of_a_transaction_each_statement_has_its_scope_and_leaves_none_behind():
    own, other = make.ParticipantFactory(), make.ParticipantFactory()
    change = "UPDATE participants_participant SET submission = id WHERE id = %s"
    with within(Scope(frozenset({own.site_id}))), connection.cursor() as cursor:
        cursor.executemany(change, [[own.pk], [other.pk]])
        assert [row.pk for row in Participant.objects.iterator(chunk_size=1)] == [own.pk]
    assert set(Participant.objects.values_list("pk", "submission")) == {
        (own.pk, own.pk),
        (other.pk, None),
    }

    session = ClientCursor(connection.connection)  # what the next person, or a pooler, would find
    found = session.execute(
        "SELECT current_user, session_user, current_setting('studyportal.sites', true)"
    )
    assert found.fetchone() == (APPLICATION_ROLE, APPLICATION_ROLE, "")
    assert session.execute("SELECT 1 FROM participants_participant").fetchall() == []


@pytest.mark.django_db
def test_a_person_of_the_study_sees_every_site_and_one_of_two_sites_both():
    first, second = make.SiteFactory(), make.SiteFactory()
    both = make.person(Role.COORDINATOR, first)
    make.MembershipFactory(user=both, role=Role.MONITOR, site=second)
    assert scope_of(both) == Scope(frozenset({first.pk, second.pk}))
    assert scope_of(make.MembershipFactory(study_wide=True).user).every
    assert scope_of(make.MembershipFactory(ended=True).user) == NO_SITE


def test_working_over_every_site_needs_a_reason():
    with pytest.raises(ValueError, match="why"):
        over_every_site(" ")


def test_a_task_works_over_every_site_because_it_says_so():
    seen = []

    def look() -> None:
        seen.append(current_scope())

    task = portal_task(over_every_site="for a test")(look)
    with within(NO_SITE):
        task()
    app.tasks.pop(task.name)
    assert seen == [Scope(every=True)]


@pytest.mark.django_db
def test_the_application_owns_nothing_and_cannot_pass_by_itself():
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_user")
        assert cursor.fetchone() == (APPLICATION_ROLE,)
        cursor.execute(
            "SELECT bool_or(rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb) FROM pg_roles "
            "WHERE rolname = ANY(%s)",
            [[APPLICATION_ROLE, EVERY_SITE_ROLE]],
        )
        assert cursor.fetchone() == (False,)
        cursor.execute(
            "SELECT count(*) FROM pg_class WHERE pg_get_userbyid(relowner) = ANY(%s)",
            [[APPLICATION_ROLE, EVERY_SITE_ROLE]],
        )
        assert cursor.fetchone() == (0,)


@pytest.mark.django_db
def test_every_bound_table_forces_its_policies():
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
        assert {name for (name,) in cursor.fetchall()} == set(bindings())


@pytest.mark.django_db
def test_the_wall_stands_and_raising_it_again_changes_nothing():
    with owner_beside() as owner:
        assert wall_stands(owner)
        raise_wall(owner)
        assert wall_stands(owner)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (f"ALTER ROLE {APPLICATION_ROLE} BYPASSRLS", "BYPASSRLS"),
        (f"GRANT {EVERY_SITE_ROLE} TO {APPLICATION_ROLE} WITH INHERIT TRUE", "inherits"),
    ],
)
def test_a_role_that_could_pass_by_itself_is_refused(fault, words):
    with owner_beside() as owner, owner.cursor() as cursor:
        cursor.execute("BEGIN")
        try:
            cursor.execute(fault)
            with pytest.raises(RolesRefused, match=words):
                prepare_roles(cursor)
        finally:
            cursor.execute("ROLLBACK")


@pytest.mark.django_db
def test_no_statement_is_compiled_whatever_the_server_would_do():
    with connection.cursor() as cursor:
        cursor.execute("SHOW jit")
        assert cursor.fetchone() == ("off",)
