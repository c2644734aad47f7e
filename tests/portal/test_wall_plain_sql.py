"""Row 21 of the acceptance table by psql: a session of the application's own login, with nothing of Django in between."""
# ruff: noqa: S608 (tables of our own models)

import json
from uuid import uuid4

import psycopg
import pytest
from django.db import connection
from psycopg import sql

from studyportal.core.database.owner import as_owner
from studyportal.core.database.roles import RolesRefused, close_side_doors
from studyportal.core.database.scope import APPLICATION_ROLE, EVERY_SITE_ROLE
from studyportal.core.database.wall import wall_stands
from studyportal.core.models import ChainLink, TrailEntry
from studyportal.core.tracking import event_model_of, event_models
from tests import factories as make
from tests.portal.test_audit_events import OWN_EVENTS, TRACKED

ROLES = (APPLICATION_ROLE, EVERY_SITE_ROLE)
EVENTS = sorted(
    {model._meta.db_table for model in event_models()}
    | {label.lower().replace(".", "_") for label in OWN_EVENTS}
    | {"core_trailentry", "core_chainlink", "core_chainhead", "core_eventshape"}
)
KEPT = sorted(model._meta.db_table for model in TRACKED)
# By which a table or its guards could be got rid of, for rows of the portal and for events alike.
BLOWS = (
    "TRUNCATE {}",
    "TRUNCATE {} CASCADE",
    "ALTER TABLE {} DISABLE TRIGGER ALL",
    "ALTER TABLE {} DISABLE TRIGGER USER",
    "ALTER TABLE {} DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE {} RENAME TO elsewhere",
    "CREATE TRIGGER own BEFORE INSERT ON {} EXECUTE FUNCTION core_refuse_change()",
    "CREATE RULE own AS ON DELETE TO {} DO INSTEAD NOTHING",
    "DROP TABLE {} CASCADE",
)
# By which somebody else's rights, or a table that is found before the right one, could be had.
WAYS_AROUND = (
    "SET ROLE {owner}",
    "SELECT set_config('role', '{owner}', false)",
    "SET SESSION AUTHORIZATION {owner}",
    "SET session_replication_role = replica",
    "ALTER ROLE {app} BYPASSRLS",
    "ALTER ROLE {app} SUPERUSER",
    "GRANT {owner} TO {app}",
    "CREATE TEMPORARY TABLE clinical_lesionevent (id int)",
    "CREATE TEMPORARY VIEW clinical_lesionevent AS SELECT 1",
    "CREATE TABLE public.own (id int)",
    "CREATE SCHEMA own",
    "CREATE FUNCTION public.own() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE OR REPLACE FUNCTION studyportal_sites() RETURNS uuid[] LANGUAGE sql AS 'SELECT NULL::uuid[]'",
    "DROP FUNCTION core_refuse_change() CASCADE",
    "DROP POLICY studyportal_own_sites ON participants_participant",
    "CREATE POLICY own ON participants_participant USING (true)",
)


@pytest.fixture
def psql(db):
    """A session of the application as any program would open it; what it does is undone."""
    params = {**connection.get_connection_params(), "cursor_factory": psycopg.ClientCursor}
    params.pop("context", None)
    with psycopg.connect(**params) as session:
        yield session
        session.rollback()


def refusals(session, statements):
    """Statement → what the database answers; each is tried by itself."""
    answers = {}
    for statement in statements:
        try:
            with session.transaction():
                session.execute(sql.SQL(statement))
            answers[statement] = "done"
        except psycopg.Error as error:
            answers[statement] = type(error).__name__
    return answers


@pytest.mark.parametrize("role", ROLES)
def test_no_event_can_be_changed_or_taken_away_and_no_guard_of_it(role, psql):
    psql.execute(f"SET ROLE {role}")
    columns = dict(
        psql.execute(
            "SELECT relname, attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid "
            "WHERE relname = ANY(%s) AND attnum = 1",
            [EVENTS],
        )
    )
    assert sorted(columns) == EVENTS
    blows = [blow.format(f'"{table}"') for table in EVENTS for blow in (*BLOWS, "DELETE FROM {}")]
    blows += [f'UPDATE "{table}" SET "{name}" = "{name}"' for table, name in columns.items()]
    assert set(refusals(psql, blows).values()) == {"InsufficientPrivilege"}


@pytest.mark.parametrize("role", ROLES)
def test_no_table_of_the_portal_can_be_emptied_or_lose_its_guards(role, psql):
    psql.execute(f"SET ROLE {role}")
    blows = [blow.format(f'"{table}"') for table in KEPT for blow in BLOWS]
    assert set(refusals(psql, blows).values()) == {"InsufficientPrivilege"}


@pytest.mark.parametrize("role", ROLES)
def test_nobody_elses_rights_can_be_taken_and_nothing_be_put_in_front_of_the_trail(role, psql):
    owner = psql.execute(
        "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'core_auditevent'"
    ).fetchone()[0]
    psql.execute(f"SET ROLE {role}")
    ways = [way.format(owner=owner, app=APPLICATION_ROLE) for way in WAYS_AROUND]
    assert {
        way: answer
        for way, answer in refusals(psql, ways).items()
        if answer != "InsufficientPrivilege"
    } == {}
    # PostgreSQL warns of a right that nobody could give, and goes on.
    psql.execute("GRANT UPDATE ON clinical_lesionevent TO current_user")
    held = psql.execute("SELECT has_table_privilege('clinical_lesionevent', 'UPDATE')")
    assert held.fetchone() == (False,)


@pytest.mark.django_db
def test_every_table_has_its_guards_switched_on():
    """A change, an insertion and a deletion of each are kept or refused by triggers that no session skips."""
    bits = {"INSERT": 4, "DELETE": 8, "UPDATE": 16, "TRUNCATE": 32}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, bit_or(tgtype::int) FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid "
            "WHERE NOT tgisinternal AND tgenabled = 'O' AND relname = ANY(%s) GROUP BY relname",
            [KEPT],
        )
        found = dict(cursor.fetchall())
    lacking = {
        (table, act) for table in KEPT for act, bit in bits.items() if not found.get(table, 0) & bit
    }
    assert lacking == set()


@pytest.mark.django_db
def test_what_plain_sql_changes_is_kept_and_sealed_with_the_role_that_did_it():
    lesion = make.LesionFactory()
    plain = psycopg.ClientCursor(connection.connection)
    plain.execute("SELECT set_config('role', %s, true)", [EVERY_SITE_ROLE])
    change = "UPDATE clinical_lesion SET number = 31000 WHERE id = %s"
    plain.execute("SAVEPOINT before")
    with pytest.raises(psycopg.errors.CheckViolation, match="only with a reason"):
        plain.execute(change, [lesion.pk])
    plain.execute("ROLLBACK TO before")
    said = json.dumps({"reason": "It was miscounted."})
    plain.execute("SELECT set_config('pghistory.context_metadata', %s, true)", [said])
    plain.execute("SELECT set_config('pghistory.context_id', %s, true)", [str(uuid4())])
    plain.execute(change, [lesion.pk])
    plain.execute("SET CONSTRAINTS ALL IMMEDIATE")  # as a commit would
    plain.execute("SET CONSTRAINTS ALL DEFERRED")
    event = event_model_of(type(lesion)).objects.filter(pgh_obj_id=lesion.pk).latest("pgh_id")
    assert (event.pgh_label, event.number) == ("update", 31_000)
    assert event.pgh_context["reason"] == "It was miscounted."
    entry = TrailEntry.objects.get(source=event._meta.db_table, event_id=event.pk)
    link = ChainLink.objects.get(pk=entry.link)
    assert link.database_role == EVERY_SITE_ROLE
    assert link.number > 0


@pytest.mark.django_db(transaction=True)
def test_a_database_in_which_the_application_can_make_tables_is_found_and_mended():
    with as_owner(connection), connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_database())")
        (database,) = cursor.fetchone()
        cursor.execute(f"GRANT TEMPORARY ON DATABASE {database} TO PUBLIC")
        stood = wall_stands(connection)
        close_side_doors(cursor)
        assert (stood, wall_stands(connection)) == (False, True)


@pytest.mark.django_db(transaction=True)
def test_whoever_may_not_close_a_side_door_is_refused():
    with as_owner(connection), connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_database())")
        (database,) = cursor.fetchone()
        cursor.execute("BEGIN")
        try:
            cursor.execute("CREATE ROLE somebody NOLOGIN")
            cursor.execute(f"GRANT TEMPORARY ON DATABASE {database} TO PUBLIC")
            cursor.execute("SET LOCAL ROLE somebody")
            with pytest.raises(RolesRefused, match="temporary tables"):
                close_side_doors(cursor)
        finally:
            cursor.execute("ROLLBACK")
