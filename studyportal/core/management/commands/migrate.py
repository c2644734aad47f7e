"""`manage.py migrate`, by the owner of the tables; afterwards the wall stands as the models say."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from studyportal.core.database.owner import as_owner
from studyportal.core.database.roles import RolesRefused
from studyportal.core.database.scope import APPLICATION_ROLE
from studyportal.core.database.wall import lower_policies, raise_wall


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        if settings.DATABASE_OWNER["USER"] == APPLICATION_ROLE:
            raise CommandError(
                "DATABASE_OWNER_URL is not set. It names the owner of the tables, who alone may migrate; "
                "see docs/production.md."
            )
        connection = connections[options["database"]]
        with as_owner(connection):
            if options["plan"] or options["check_unapplied"]:
                super().handle(*args, **options)
                return
            if options["app_label"] or pending_migrations(connection):
                lower_policies(connection)
            try:
                super().handle(*args, **options)
            finally:
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
