"""A portal with a folder and an address of its own, for benchmarks that drive it from outside."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

from playwright.sync_api import Page

REPOSITORY = Path(__file__).resolve().parents[1]
PASSWORD = "correct horse battery"  # noqa: S105 of a portal that lives for one run
PEOPLE = f"""
from django.core.management import call_command
from studyportal.core.models import User
from studyportal.sites.rules import Role
from studyportal.sites.selectors import site_by_code
from studyportal.sites.services import give_role
call_command("load_protocol", verbosity=0)
for role in (Role.COORDINATOR, Role.DATA_MANAGER):
    user = User.objects.create_user(role.value, password="{PASSWORD}")
    site = site_by_code("SPH") if role == Role.COORDINATOR else None
    give_role(user=user, role=role, site=site, by=None)
"""


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, *, seconds: int = 600) -> None:
    """Something listens at the port; on a busy machine a new database alone may take two minutes."""
    for _ in range(10 * seconds):
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.1)
    raise SystemExit(f"nothing listens at port {port}")


class Portal:
    """It can be killed as a whole and started again at the same address."""

    def __init__(self, place: Path, *, people: str = PEOPLE) -> None:
        self.people = people
        place.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        own = {"STUDYPORTAL_VAR": str(place), "PYTHONPATH": str(REPOSITORY)}
        own["STUDYPORTAL_DEMO"] = "1"  # no second factors for the people of a benchmark
        self.environment = {**os.environ, **own}
        self.address = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "Portal":
        # Whoever ends the benchmark early ends its portal, too.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        try:
            self.start()
            if self.people:
                self.shell(self.people)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:  # a busy machine; nothing of it may go on
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def start(self) -> None:
        words = [sys.executable, "manage.py", "up", "--port", str(self.port), "--workers", "1"]
        self.process = subprocess.Popen(
            words,
            cwd=REPOSITORY,
            env=self.environment,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(self.port)

    def kill(self) -> None:
        """The web server and the workers are gone at once; the database stays, as a crash leaves it."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        while True:  # the children are tethered to it and end within a second
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                return
            time.sleep(0.05)

    def shell(self, script: str) -> str:
        words = [sys.executable, "manage.py", "shell", "-v", "0", "-c", script]
        done = subprocess.run(
            words, cwd=REPOSITORY, env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(done.stderr)
        return done.stdout.strip()

    def sign_in(self, page: Page, role: str) -> None:
        page.goto(f"{self.address}/sign-in/")
        page.fill("[name=login]", role)
        page.fill("[name=password]", PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
