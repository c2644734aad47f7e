"""The children of a running portal, as real processes."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from studyportal.cli.processes import PortalProcessError, ProcessGroup, Program, refuse_busy_port

REPOSITORY = Path(__file__).resolve().parents[2]
SLEEPER = (sys.executable, "-c", "import time; print('ready', flush=True); time.sleep(60)")
STUBBORN = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)",
)


def _wait_for(condition: object, seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_each_line_of_a_child_carries_its_name() -> None:
    said: list[str] = []
    group = ProcessGroup([Program("web", SLEEPER)], folder=REPOSITORY, say=said.append)
    group.start()

    assert _wait_for(lambda: said == ["web        | ready"])
    group.check()
    group.stop()
    assert psutil.Process().children() == [
        child for child in psutil.Process().children() if child.is_running()
    ]


def test_a_child_that_ends_is_named_with_its_exit_status() -> None:
    group = ProcessGroup(
        [Program("web", SLEEPER), Program("worker", (sys.executable, "-c", "raise SystemExit(3)"))],
        folder=REPOSITORY,
        say=lambda _line: None,
    )
    group.start()

    def ended() -> bool:
        try:
            group.check()
        except PortalProcessError as refused:
            return str(refused) == "worker ended unexpectedly (exit status 3)."
        return False

    assert _wait_for(ended)
    group.stop()


def test_a_child_that_ignores_the_order_to_stop_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studyportal.cli.processes.STOP_LIMIT_SECONDS", 0.5)
    said: list[str] = []
    group = ProcessGroup([Program("worker", STUBBORN)], folder=REPOSITORY, say=said.append)
    group.start()
    assert _wait_for(lambda: said)

    group.stop()

    assert said[-1] == "worker did not stop within 0.5 s and is killed"


PARENT = """
import sys, time
from pathlib import Path
from studyportal.cli.processes import ProcessGroup, Program
words = (sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(60)")
group = ProcessGroup([Program("web", words)], folder=Path("."), say=lambda line: print(line, flush=True))
group.start()
time.sleep(60)
"""


def test_children_die_with_their_parent() -> None:
    parent = subprocess.Popen(
        (sys.executable, "-c", PARENT), cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline().rpartition("|")[2])

    os.kill(parent.pid, signal.SIGKILL)
    parent.communicate(timeout=20)

    assert _wait_for(
        lambda: (
            not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE
        )
    )


def test_a_busy_port_is_refused_before_anything_starts() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(PortalProcessError, match=f"port {port} .*choose another with --port"):
            refuse_busy_port("127.0.0.1", port)


@pytest.mark.parametrize("port", [-1, 70000])
def test_a_port_that_does_not_exist_is_refused(port: int) -> None:
    with pytest.raises(PortalProcessError, match="choose another with --port"):
        refuse_busy_port("127.0.0.1", port)
