"""`manage.py migrate`, by the owner of the tables; afterwards the wall stands as the models say."""

from contextlib import suppress
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor

from studyportal.core.database.owner import OWNER_MISSING, as_owner, owner_is_named
from studyportal.core.database.roles import RolesRefused
from studyportal.core.database.wall import lower_policies, raise_wall


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        if not owner_is_named():
            raise CommandError(OWNER_MISSING)
        connection = connections[options["database"]]
        with as_owner(connection):
            if options["plan"] or options["check_unapplied"]:
                super().handle(*args, **options)
                return
            if options["app_label"] or pending_migrations(connection):
                lower_policies(connection)
            try:
                super().handle(*args, **options)
            except BaseException:
                # The wall is put back where that is possible; what is shown is why the migration ended.
                with suppress(DatabaseError, RolesRefused):
                    raise_wall(connection)
                raise
            _raise(connection)


def _raise(connection: Any) -> None:
    try:
        raise_wall(connection)
    except RolesRefused as refused:
        raise CommandError(str(refused)) from refused


def pending_migrations(connection: Any) -> bool:
    """Whether the database is older than the code."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
