"""The other login: the owner of the tables, for migrations, redactions and test databases, and for nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings

from studyportal.core.database.scope import APPLICATION_ROLE

OWNS = "STUDYPORTAL_OWNS"  # in a connection's settings, so that a copy of them is the owner's, too
_LOGIN = ("USER", "PASSWORD", "HOST", "PORT")
# Where the wall stands, an owner passes only while saying that this is a migration.
MIGRATING = "-c studyportal.migrating=on"


OWNER_MISSING = (
    "DATABASE_OWNER_URL is not set. It names the owner of the tables, who alone may do this; "
    "see docs/production.md."
)


def owner_is_named() -> bool:
    """Whether the installation says how the owner signs in."""
    return bool(settings.DATABASE_OWNER["USER"] != APPLICATION_ROLE)


@contextmanager
def as_owner(connection: Any) -> Iterator[None]:
    """The connection is one of the owner inside, to the same database; afterwards the application's again.

    Refused within a transaction, which would be lost.
    """
    if connection.owns:
        yield
        return
    if connection.in_atomic_block:
        raise RuntimeError("A transaction cannot change its login in the middle.")
    connection.close()
    kept = {name: connection.settings_dict[name] for name in (*_LOGIN, "OPTIONS")}
    owner: dict[str, Any] = {**settings.DATABASE_OWNER}
    connection.settings_dict.update({name: owner[name] for name in _LOGIN})
    connection.settings_dict["OPTIONS"] = owner_options(owner)
    connection.settings_dict[OWNS] = True
    try:
        yield
    finally:
        connection.close()
        del connection.settings_dict[OWNS]
        connection.settings_dict.update(kept)


def owner_options(owner: Any) -> dict[str, Any]:
    """Options of a connection of the owner."""
    options = dict(owner.get("OPTIONS", {}))
    options["options"] = f"{options.get('options', '')} {MIGRATING}".strip()
    return options
