"""The two roles that the portal takes. Known before Django is set up, because the first command signs in as one of them."""

from typing import Any

from studyportal.core.database.scope import APPLICATION_ROLE, EVERY_SITE_ROLE

ROLES = (APPLICATION_ROLE, EVERY_SITE_ROLE)


class RolesRefused(RuntimeError):
    """The roles are missing and may not be made, or could pass the wall by themselves; the sentence says what to do."""


def prepare_roles(cursor: Any) -> None:
    """Both roles exist, neither may pass the wall, and the application may become the other one by saying so.

    Raises
    ------
    RolesRefused
        When a role is a superuser, may bypass row-level security, or inherits what it should ask for.
    """
    cursor.execute(
        "SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = ANY(%s)",
        [list(ROLES)],
    )
    passes_by_itself = dict(cursor.fetchall())
    for role in ROLES:
        if passes_by_itself.get(role):
            raise RolesRefused(
                f"The role {role} is a superuser or has BYPASSRLS. Take that from it: ALTER ROLE {role} NOSUPERUSER NOBYPASSRLS."
            )
        if role not in passes_by_itself:
            login = "LOGIN" if role == APPLICATION_ROLE else "NOLOGIN"
            cursor.execute(f"CREATE ROLE {role} {login} NOINHERIT")
    _link(cursor)


def close_side_doors(cursor: Any) -> None:
    """Neither role can make a table or function in this database, temporary ones included.

    The triggers that keep the trail name tables without a schema, and a temporary table of the same name would be
    found first: what was changed would be kept in it, and gone with the session.

    Raises
    ------
    RolesRefused
        When this login may not close them, because it does not own the database.
    """
    if not _open_doors(cursor):
        return
    cursor.execute("SELECT quote_ident(current_database())")
    (database,) = cursor.fetchone()
    everybody = ", ".join(("PUBLIC", *ROLES))
    cursor.execute(f"REVOKE CREATE, TEMPORARY ON DATABASE {database} FROM {everybody}")
    cursor.execute(f"REVOKE CREATE ON SCHEMA public FROM {everybody}")
    if doors := _open_doors(cursor):
        raise RolesRefused(
            f"{APPLICATION_ROLE} may still {' and '.join(doors)}, with which it could pass the audit trail. "
            f"As the owner of the database, say REVOKE CREATE, TEMPORARY ON DATABASE {database} FROM PUBLIC; "
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC; then migrate again."
        )


def side_doors_closed(cursor: Any) -> bool:
    """Whether neither role can make anything in this database."""
    return not _open_doors(cursor)


def _open_doors(cursor: Any) -> list[str]:
    cursor.execute(
        "SELECT bool_or(has_database_privilege(r, current_database(), 'TEMPORARY')), "
        "bool_or(has_database_privilege(r, current_database(), 'CREATE') OR has_schema_privilege(r, 'public', 'CREATE')) "
        "FROM unnest(%s::text[]) r",
        [list(ROLES)],
    )
    words = ("make temporary tables", "make tables and functions")
    return [word for word, may in zip(words, cursor.fetchone(), strict=True) if may]


def _link(cursor: Any) -> None:
    cursor.execute(
        "SELECT pg_has_role(%s, %s, 'MEMBER'), pg_has_role(%s, %s, 'USAGE')", [*ROLES, *ROLES]
    )
    member, inherits = cursor.fetchone()
    if inherits:
        raise RolesRefused(
            f"{APPLICATION_ROLE} inherits what {EVERY_SITE_ROLE} may, and so would always see every site. "
            f"Say REVOKE {EVERY_SITE_ROLE} FROM {APPLICATION_ROLE}; ALTER ROLE {APPLICATION_ROLE} NOINHERIT; then migrate again."
        )
    if not member:
        cursor.execute(f"GRANT {EVERY_SITE_ROLE} TO {APPLICATION_ROLE}")
