"""The two brokers of the fault benchmark: each starts, dies by SIGKILL, starts again, and stops."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import psutil

_EPMD_PORT, _PORT, _DISTRIBUTION_PORT = 14370, 15683, 15684
_PATIENCE_SECONDS = 120


class Broker(Protocol):
    """What the benchmark does with a broker."""

    url: str

    def kill(self) -> None:
        """End it as a power cut would, and start it again."""

    def stop(self) -> None:
        """End it for good."""


class EmbeddedRedis:
    """The Redis that the portal brings along."""

    def __init__(self, var: Path, embedded: Any) -> None:
        self._var, self._embedded = var, embedded
        self.url = embedded.ensure_redis(var)

    def kill(self) -> None:
        psutil.Process(int((self._var / "redis" / "redis.pid").read_text())).kill()
        time.sleep(1)
        self._embedded.ensure_redis(self._var)

    def stop(self) -> None:
        self._embedded.stop_redis(self._var)


class DebianRabbit:
    """Debian's RabbitMQ on loopback, away from its usual ports; as root it runs as its own user."""

    url = f"amqp://guest:guest@127.0.0.1:{_PORT}//"

    def __init__(self, var: Path) -> None:
        self._folder = var / "rabbitmq"
        self._folder.mkdir(mode=0o755)
        var.chmod(0o755)
        self._as_user: list[str] = []
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", "rabbitmq:rabbitmq", self._folder], check=True)
            self._as_user = ["setpriv", "--reuid=rabbitmq", "--regid=rabbitmq", "--init-groups"]
        epmd = ["epmd", "-address", "127.0.0.1", "-port", str(_EPMD_PORT)]
        self._epmd = self._run(epmd, "epmd")
        self._server = self._start()

    def kill(self) -> None:
        os.killpg(self._server.pid, signal.SIGKILL)
        self._server.wait()
        self._server = self._start()

    def stop(self) -> None:
        for process in (self._server, self._epmd):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        newest = max(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*"))
        started = self._run([str(newest / "sbin" / "rabbitmq-server")], "server")
        wait_for(self._answers)
        return started

    def _run(self, command: list[str], log: str) -> subprocess.Popen[bytes]:
        folder = self._folder
        settings = {
            "HOME": folder, "ERL_EPMD_PORT": _EPMD_PORT, "RABBITMQ_NODENAME": "faults@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1", "RABBITMQ_NODE_PORT": _PORT,
            "RABBITMQ_DIST_PORT": _DISTRIBUTION_PORT,
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_MNESIA_BASE": folder / "mnesia", "RABBITMQ_LOG_BASE": folder / "log",
            "RABBITMQ_PID_FILE": folder / "pid", "RABBITMQ_CONFIG_FILE": folder / "rabbitmq",
            "RABBITMQ_ENABLED_PLUGINS_FILE": folder / "plugins",
            "RABBITMQ_CONF_ENV_FILE": folder / "env",
        }  # fmt: skip
        return subprocess.Popen(
            [*self._as_user, *command],
            env=os.environ | {name: str(value) for name, value in settings.items()},
            cwd=folder,
            start_new_session=True,
            stdout=(folder.parent / f"rabbitmq-{log}.log").open("ab"),
            stderr=subprocess.STDOUT,
        )

    def _answers(self) -> bool:
        """RabbitMQ opens its port last; its side of the handshake begins with a frame of type 1."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", _PORT), 2) as line:
            line.sendall(b"AMQP\0\0\x09\x01")
            return line.recv(1) == b"\x01"
        return False


def wait_for(ready: Callable[[], bool]) -> None:
    """Wait until it is ready.

    Raises
    ------
    TimeoutError
        After two minutes.
    """
    until = time.monotonic() + _PATIENCE_SECONDS
    while not ready():
        if time.monotonic() > until:
            raise TimeoutError("The broker did not answer.")
        time.sleep(0.2)
