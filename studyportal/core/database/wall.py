"""Raises the wall: roles, grants, and a policy on every table that is bound to sites. Run by the owner after each migration.

Nothing of it is written by hand for a table: it follows from the models and from what the database says about its
tables, so it is the same after every migration, and raising it again changes nothing.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

from studyportal.core.database.bindings import bindings, portal_models
from studyportal.core.database.roles import (
    ROLES,
    close_side_doors,
    prepare_roles,
    side_doors_closed,
)
from studyportal.core.database.scope import APPLICATION_ROLE, EVERY_SITE_ROLE
from studyportal.core.tracking import chained_models

_POLICIES = ("studyportal_own_sites", "studyportal_every_site", "studyportal_migration")
_FUNCTION = """
CREATE OR REPLACE FUNCTION studyportal_sites() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT string_to_array(current_setting('studyportal.sites', true), ',')::uuid[] $$
"""
_TABLES = """
SELECT c.relname, EXISTS (
    SELECT 1 FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE t.tgrelid = c.oid AND p.proname = 'core_refuse_change' AND t.tgqual IS NULL)
FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace ORDER BY 1
"""


def raise_wall(connection: Any) -> None:
    """The application can do what the models allow and sees the sites that its transactions name.

    Raises
    ------
    RolesRefused
        When a role could pass the wall by itself.
    """
    with connection.cursor() as cursor:
        prepare_roles(cursor)
        close_side_doors(cursor)
        statements, digest = _due(cursor)
        if standing_wall(cursor) != digest:
            cursor.execute(";\n".join(statements))
            cursor.execute(f"COMMENT ON FUNCTION studyportal_sites() IS '{digest}'")


def wall_stands(connection: Any) -> bool:
    """Whether the wall is the one that the models ask for."""
    with connection.cursor() as cursor:
        return side_doors_closed(cursor) and standing_wall(cursor) == _due(cursor)[1]


def _due(cursor: Any) -> tuple[list[str], str]:
    cursor.execute(_TABLES)
    statements = [*_statements(cursor.fetchall())]
    return statements, hashlib.sha256("\n".join(statements).encode()).hexdigest()


def standing_wall(cursor: Any) -> str | None:
    """The digest of the wall that was raised last."""
    cursor.execute("SELECT obj_description(to_regprocedure('studyportal_sites()'), 'pg_proc')")
    return cursor.fetchone()[0]


def lower_policies(connection: Any) -> None:
    """No policy names a column any more, so migrations may drop any; until the wall is raised no site sees its rows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_policies WHERE policyname = %s", [_POLICIES[0]])
        drops = [f'DROP POLICY {_POLICIES[0]} ON "{table}"' for (table,) in cursor.fetchall()]
        if drops:
            drops.append("COMMENT ON FUNCTION studyportal_sites() IS NULL")
            cursor.execute(";\n".join(drops))


def _statements(tables: Iterable[tuple[str, bool]]) -> Iterator[str]:
    bound, both = bindings(), ", ".join(ROLES)
    yield _FUNCTION
    yield f"GRANT USAGE ON SCHEMA public TO {both}"
    yield f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {both}"
    for table, append_only in tables:
        yield f'REVOKE ALL ON "{table}" FROM {both}'
        yield f'GRANT {_rights(table, append_only=append_only)} ON "{table}" TO {both}'
        yield from _drops(table)
        yield from _policies(table, bound[table]) if table in bound else _none(table)


def _rights(table: str, *, append_only: bool) -> str:
    if table == "django_migrations":
        return "SELECT"
    model = {model._meta.db_table: model for model in portal_models()}.get(table)
    if model is not None and hasattr(model, "written_by_the_database"):
        return "SELECT"
    if append_only or table in chained_models():
        return "SELECT, INSERT"
    why: str = getattr(model, "may_be_deleted_because", "")
    if model is None or why:
        return "SELECT, INSERT, UPDATE, DELETE"
    return "SELECT, INSERT, UPDATE"


def _drops(table: str) -> Iterator[str]:
    for policy in _POLICIES:
        yield f'DROP POLICY IF EXISTS {policy} ON "{table}"'


def _policies(table: str, condition: str) -> Iterator[str]:
    own, every, migration = _POLICIES
    yield f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY'
    yield f'CREATE POLICY {own} ON "{table}" TO {APPLICATION_ROLE} USING ({condition})'
    yield f'CREATE POLICY {every} ON "{table}" TO {EVERY_SITE_ROLE} USING (true)'
    # The owner, too, stands before the wall: a session of the owner sees nothing unless it says that it migrates.
    # Functions that run with the owner's rights, such as those that seal the trail, are called by another role.
    yield (
        f'CREATE POLICY {migration} ON "{table}" TO CURRENT_USER '
        "USING (session_user <> current_user OR current_setting('studyportal.migrating', true) = 'on')"
    )


def _none(table: str) -> Iterator[str]:
    yield f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY'
