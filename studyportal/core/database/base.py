"""Django's PostgreSQL backend, whose statements carry the scope they are made in.

The scope travels in the same message as the statement: PostgreSQL takes both as one transaction, so it costs no
round trip, holds in and outside of a transaction alike, and leaves nothing behind in a session that the next
person's request, or a connection pooler, could meet.
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from django.db.backends.postgresql import base
from django.db.backends.utils import debug_transaction
from psycopg import ClientCursor, ServerCursor, sql
from psycopg.pq import TransactionStatus

from studyportal.core.database.creation import DatabaseCreation
from studyportal.core.database.owner import OWNS
from studyportal.core.database.scope import Scope, current_scope

_backend: Any = base  # of what it has for psycopg 3, the stubs of Django know nothing
if TYPE_CHECKING:
    Cursor = ClientCursor[Any]
    ServerSideCursor = ServerCursor[Any]
else:
    Cursor, ServerSideCursor = base.Cursor, base.ServerSideCursor

# They touch no row. Some must come first in a transaction, and after an error PostgreSQL takes only some.
_STEPS = ("SAVEPOINT ", "RELEASE SAVEPOINT ", "ROLLBACK TO SAVEPOINT ", "SET TRANSACTION ")

# The head row of the audit chain is locked until its transaction has ended, and a commit that waits for the disk ends
# after the flush: one flush per commit, one commit at a time. So the seal lets its commit pass without a flush
# when the writer says that one follows, and the next statement of the same message is that flush: it writes a
# record behind the commit and waits until both are on the disk, together with those of everybody else.
# Nobody is told that a commit is kept before it is; docs/decisions/0011.
_COMMIT = "SET LOCAL studyportal.flush_follows = 'on'; COMMIT; "
FLUSH = (
    "SELECT pg_logical_emit_message(true, 'studyportal', ''), set_config('studyportal.unflushed', '', false)"
    " WHERE current_setting('studyportal.unflushed', true) = 'on'"
)
COMMIT_AND_FLUSH = _COMMIT + FLUSH


class ScopedCursor(Cursor):
    """A cursor whose statements see the sites of the scope they are made in."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        if _moves_only(query) or _failed(self):
            return super().execute(query, params, **options)
        super().execute(_led(query, current_scope()), params, **options)
        self.nextset()  # past the row of the scope
        return self

    def executemany(self, query: Any, params_seq: Iterable[Any], **options: Any) -> None:
        with _one_transaction(self.connection):
            ClientCursor(self.connection).execute(current_scope().statement)
            super().executemany(query, params_seq, **options)

    def copy(self, *args: Any, **options: Any) -> Any:
        """Refused: COPY cannot carry a scope."""
        raise NotImplementedError("COPY does not pass the wall between sites; use a query.")


class ScopedServerSideCursor(ServerSideCursor):
    """The same for a cursor that stays in the server; outside of a transaction its rows are kept at once."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        with _one_transaction(self.connection):
            ClientCursor(self.connection).execute(current_scope().statement)
            return super().execute(query, params, **options)


def _moves_only(query: Any) -> bool:
    return isinstance(query, str) and query.startswith(_STEPS)


def _failed(cursor: Any) -> bool:
    status = cursor.connection.pgconn.transaction_status
    return bool(status == TransactionStatus.INERROR)


def _led(query: Any, scope: Scope) -> Any:
    if isinstance(query, str):
        return scope.statement + query
    if isinstance(query, bytes):
        return scope.statement.encode() + query
    return sql.SQL(scope.statement) + query  # built from constants and ids


def _one_transaction(connection: Any) -> AbstractContextManager[object]:
    idle = connection.pgconn.transaction_status == TransactionStatus.IDLE
    return connection.transaction() if idle and connection.autocommit else nullcontext()


def _in_transaction(connection: Any) -> bool:
    return bool(connection.pgconn.transaction_status == TransactionStatus.INTRANS)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection as the application, or as the owner while `as_owner` lasts."""

    creation_class = DatabaseCreation

    @property
    def owns(self) -> bool:
        """Whether this is a connection of the owner."""
        return bool(self.settings_dict.get(OWNS))

    def get_connection_params(self) -> dict[str, Any]:
        params = super().get_connection_params()
        if not self.owns:
            params["cursor_factory"] = ScopedCursor
        return params

    def create_cursor(self, name: str | None = None) -> Any:
        if name is None or self.owns:
            return super().create_cursor(name)
        cursor = ScopedServerSideCursor(
            self.connection, name=name, scrollable=False, withhold=self.connection.autocommit
        )
        return self._in_time_zone(cursor)

    def _commit(self) -> None:
        if self.owns or self.connection is None or not _in_transaction(self.connection):
            super()._commit()  # type: ignore[misc]  # the stubs of Django leave it out
            return
        with debug_transaction(self, "COMMIT"), self.wrap_database_errors:
            ClientCursor(self.connection).execute(COMMIT_AND_FLUSH)

    def _in_time_zone(self, cursor: Any) -> Any:
        loader = self.connection.adapters.get_loader(_backend.TIMESTAMPTZ_OID, _backend.Format.TEXT)
        if self.timezone != loader.timezone:
            _backend.register_tzloader(self.timezone, cursor)
        return cursor
