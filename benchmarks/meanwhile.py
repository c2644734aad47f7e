"""What goes on beside a benchmark: how soon the health page answers, and by how much the disk grew."""

import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil
from receive_servers import REPOSITORY, free_port, wait_for

PAGE = "health/"


class HealthPage:
    """A web server of its own, whose health page is asked for again and again by somebody who is signed in."""

    def __init__(self, environment: Mapping[str, str], cookie: str) -> None:
        port = free_port()
        words = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "1"]
        words += ["--threads", "2", "--log-level", "error", "--no-control-socket"]
        self._server = subprocess.Popen(
            [*words, "studyportal.config.wsgi:application"],
            cwd=REPOSITORY,
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(port)
        self._request = urllib.request.Request(
            f"http://127.0.0.1:{port}/{PAGE}", headers={"Cookie": cookie}
        )
        self._over, self.seconds = threading.Event(), list[float]()
        self.ask()  # the first answer loads the pages
        self.idle = min(self.ask() for _ in range(5))
        self._thread = threading.Thread(target=self._go_on, daemon=True)
        self._thread.start()

    @property
    def processes(self) -> frozenset[int]:
        """The server and its worker, which are no part of what is measured beside it."""
        workers = psutil.Process(self._server.pid).children(recursive=True)
        return frozenset((self._server.pid, *(worker.pid for worker in workers)))

    def ask(self) -> float:
        """Seconds until the page was there."""
        asked = time.perf_counter()
        with urllib.request.urlopen(self._request, timeout=60) as answer:  # noqa: S310 of this machine
            if answer.status != 200 or not answer.url.endswith(PAGE):
                raise SystemExit("the health page was not shown")
            answer.read()
        return time.perf_counter() - asked

    def told(self) -> str:
        """The answers so far, in one line."""
        many = sorted(self.seconds)
        if not many:
            return "the health page was not asked"
        late = sum(one > 0.5 for one in many)
        return (
            f"health page: {len(many)} answers, median {1000 * many[len(many) // 2]:.0f} ms, slowest "
            f"{1000 * many[-1]:.0f} ms, {late} above 500 ms (idle {1000 * self.idle:.0f} ms)"
        )

    def stop(self) -> None:
        self._over.set()
        self._thread.join()
        self._server.terminate()
        self._server.wait()

    def _go_on(self) -> None:
        while not self._over.wait(0.1):
            self.seconds.append(self.ask())


def size_of(*places: Path) -> int:
    """Bytes of all files below these folders, of which some may vanish meanwhile."""
    total = 0
    for place in places:
        for path in place.rglob("*"):
            with suppress(OSError):
                total += path.stat().st_size if path.is_file() else 0
    return total
