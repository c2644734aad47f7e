"""The child processes of a running portal: web server and workers, started together and stopped together."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

STOP_LIMIT_SECONDS = 10
START_LIMIT_SECONDS = 60
POLL_SECONDS = 0.2

Say = Callable[[str], None]


class PortalProcessError(RuntimeError):
    """The portal cannot run on; the sentence says which part and why."""


@dataclass(frozen=True)
class Program:
    """A child: the name its lines carry, and its command line."""

    name: str
    words: tuple[str, ...]


def _environment() -> dict[str, str]:
    """What a child may know: everything but how the owner of the tables signs in."""
    known = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("DATABASE_OWNER_URL")
    }
    return {**known, "PYTHONUNBUFFERED": "1"}


class ProcessGroup:
    """Children that live and die together; none is restarted silently."""

    def __init__(self, programs: Sequence[Program], *, folder: Path, say: Say) -> None:
        self._programs = programs
        self._folder = folder
        self._say = say
        self._children: dict[str, subprocess.Popen[str]] = {}
        self._readers: list[threading.Thread] = []

    def start(self) -> None:
        """Every child has been launched, in a session of its own that the terminal's Ctrl-C does not reach."""
        for program in self._programs:
            child = subprocess.Popen(
                (
                    sys.executable,
                    "-m",
                    "studyportal.cli.tethered",
                    str(os.getpid()),
                    *program.words,
                ),
                cwd=self._folder,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
            self._children[program.name] = child
            reader = threading.Thread(target=self._read, args=(program.name, child), daemon=True)
            reader.start()
            self._readers.append(reader)

    def check(self) -> None:
        """Refuse when a child has ended, naming it."""
        for name, child in self._children.items():
            code = child.poll()
            if code is not None:
                ending = f"exit status {code}" if code >= 0 else signal.Signals(-code).name
                raise PortalProcessError(f"{name} ended unexpectedly ({ending}).")

    def stop(self) -> None:
        """No child is left: each was asked, and killed with its own children when it did not go in time."""
        for child in self._children.values():
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + STOP_LIMIT_SECONDS
        for name, child in self._children.items():
            try:
                child.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._say(f"{name} did not stop within {STOP_LIMIT_SECONDS} s and is killed")
            _kill_session(child)
            child.wait()
        for reader in self._readers:
            reader.join(timeout=2)
        self._children.clear()
        self._readers.clear()

    def _read(self, name: str, child: subprocess.Popen[str]) -> None:
        if child.stdout is None:
            return
        with child.stdout as lines:
            for line in lines:
                if line.strip():
                    self._say(f"{name:<10} | {line.rstrip()}")


def _kill_session(child: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


@dataclass(frozen=True)
class RunningPortal:
    """A portal that answers at `address`."""

    address: str
    group: ProcessGroup

    def check(self) -> None:
        self.group.check()

    def serve_until(self, stop: threading.Event) -> None:
        """Return when `stop` is set; raise when a child ends before."""
        while not stop.wait(POLL_SECONDS):
            self.check()


@contextmanager
def running_portal(
    *,
    folder: Path,
    var: Path,
    host: str = "127.0.0.1",
    port: int = 8000,
    workers: int = 2,
    devices: int = 1,
    receives: bool = False,
    say: Say = print,
) -> Iterator[RunningPortal]:
    """Yield a portal whose web server answers and whose workers are started; stop them all afterwards."""
    refuse_busy_port(host, port)
    programs = portal_programs(var=var, host=host, port=port, workers=workers, devices=devices)
    if receives:
        programs += (Program("receiver", (sys.executable, "manage.py", "receive")),)
    group = ProcessGroup(programs, folder=folder, say=say)
    try:
        group.start()
        _wait_for_answer(group, host, port)
        yield RunningPortal(address=f"http://{host}:{port}/", group=group)
    finally:
        group.stop()


def portal_programs(
    *, var: Path, host: str, port: int, workers: int, devices: int
) -> tuple[Program, ...]:
    """Return what a portal consists of; production runs the same command lines as services of their own."""
    # As root Celery warns at each start; the queue carries JSON only, so its reason does not hold here.
    python = (sys.executable, "-W", "ignore::UserWarning", "-m")
    celery = (*python, "celery", "--quiet", "-A", "studyportal.config", "worker", "-l", "WARNING")
    quick = (
        "--without-gossip",
        "--without-mingle",
    )  # workers of one machine need not find each other
    beat = ("-B", "--schedule", str(var / "run" / "beat-schedule"))
    return (
        Program("web", (*_web_server(host, port), "studyportal.config.wsgi")),
        Program(
            "worker",
            (
                *celery,
                *quick,
                *beat,
                "-Q",
                "intake,cpu",
                "-c",
                str(workers),
                "-n",
                f"cpu-{os.getpid()}@%h",
            ),
        ),
        Program(
            "worker-gpu",
            (*celery, *quick, "-Q", "gpu", "-c", str(devices), "-n", f"gpu-{os.getpid()}@%h"),
        ),
    )


def _web_server(host: str, port: int) -> tuple[str, ...]:
    return (
        *(sys.executable, "-m", "gunicorn", "--bind", f"{host}:{port}", "--no-control-socket"),
        *(
            "--workers",
            "2",
            "--threads",
            "4",
            "--timeout",
            "120",
            "--graceful-timeout",
            "5",
            "--log-level",
            "warning",
        ),
    )


def refuse_busy_port(host: str, port: int) -> None:
    """Refuse an address that cannot be served at, before anything is started."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except (OSError, OverflowError) as refused:
        reason = getattr(refused, "strerror", None) or str(refused)
        raise PortalProcessError(
            f"Cannot serve at {host} port {port} ({reason}); choose another with --port."
        ) from refused


def _wait_for_answer(group: ProcessGroup, host: str, port: int) -> None:
    deadline = time.monotonic() + START_LIMIT_SECONDS
    while time.monotonic() < deadline:
        group.check()
        with suppress(OSError), socket.create_connection((host, port), timeout=1):
            return
        time.sleep(POLL_SECONDS)
    raise PortalProcessError(f"The web server did not answer within {START_LIMIT_SECONDS} s.")
