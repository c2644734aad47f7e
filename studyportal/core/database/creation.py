"""Test databases are made and dropped by the owner; tests then run as the application does."""

from typing import Any

from django.db.backends.postgresql import creation

from studyportal.core.database.owner import as_owner


class DatabaseCreation(creation.DatabaseCreation):
    def create_test_db(self, *args: Any, **options: Any) -> str:
        with as_owner(self.connection):
            return super().create_test_db(*args, **options)

    def clone_test_db(self, *args: Any, **options: Any) -> None:
        with as_owner(self.connection):
            super().clone_test_db(*args, **options)

    def destroy_test_db(self, *args: Any, **options: Any) -> None:
        with as_owner(self.connection):
            super().destroy_test_db(*args, **options)
