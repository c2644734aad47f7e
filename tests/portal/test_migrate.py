"""`manage.py migrate` shows why a migration ended, whatever became of the wall."""

from contextlib import nullcontext

import pytest
from django.core.management.commands import migrate as plain
from django.db import DatabaseError
from django.db.migrations.exceptions import InconsistentMigrationHistory

from studyportal.core.management.commands import migrate

OPTIONS = {"database": "default", "plan": False, "check_unapplied": False, "app_label": None}


@pytest.fixture
def broken_history(monkeypatch):
    """The plain command finds a history that cannot be; what the wall was raised for is counted."""
    raised = []

    def stop(*_args, **_options):
        raise InconsistentMigrationHistory("sites.0002 is applied before sites.0001")

    monkeypatch.setattr(plain.Command, "handle", stop)
    monkeypatch.setattr(migrate, "owner_is_named", lambda: True)
    monkeypatch.setattr(migrate, "as_owner", lambda connection: nullcontext())
    monkeypatch.setattr(migrate, "pending_migrations", lambda connection: False)
    monkeypatch.setattr(migrate, "raise_wall", raised.append)
    return raised


def test_the_wall_is_put_back_when_a_migration_ends(broken_history):
    with pytest.raises(InconsistentMigrationHistory):
        migrate.Command().handle(**OPTIONS)
    assert len(broken_history) == 1


def test_what_the_wall_lacks_does_not_hide_why_a_migration_ended(broken_history, monkeypatch):
    def lacks(_connection):
        raise DatabaseError("relation sites_site does not exist")

    monkeypatch.setattr(migrate, "raise_wall", lacks)
    with pytest.raises(InconsistentMigrationHistory, match=r"sites\.0002"):
        migrate.Command().handle(**OPTIONS)
