"""The web upload of a 700-slice pair in Chromium, beside Orthanc's REST upload and dcmtk's storescp of the same files.

    python -m benchmarks.imaging_upload [--folder FOLDER] [--ct 400] [--pet 300] [--break-off]

All three receive the same files on the same disk in the same run. Ours is the whole way a person takes: the browser
reads and hashes the files, announces them, sends them, and the server has each on disk (fsync) before it answers.
Orthanc gets POST /instances over as many connections side by side as the browser uses; storescp one association of
storescu. Neither of them calls fsync. With --break-off the portal is killed (SIGKILL, all of it) in the middle of the
CT and started again, the page is reloaded, and the same folder is chosen again.
"""

import argparse
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.large_pair import write_large_pair

REPOSITORY = Path(__file__).resolve().parents[1]
ORTHANC, STORESCP, STORESCU = "/usr/sbin/Orthanc", "/usr/bin/storescp", "/usr/bin/storescu"
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
LANES = 3
USER, PASSWORD = "bench", "correct horse battery"
SETUP = f"""
from django.core.management import call_command
from studyportal.core.models import User
from studyportal.sites.rules import Role
from studyportal.sites.selectors import site_by_code
from studyportal.sites.services import give_role
from tests.portal.web_study import enrolled
call_command("load_protocol", verbosity=0)
user = User.objects.create_user("{USER}", password="{PASSWORD}")
give_role(user=user, role=Role.COORDINATOR, site=site_by_code("SPH"), by=None)
print("PARTICIPANT", enrolled(site_by_code("SPH"), user).pk)
"""
COUNTS = """
from studyportal.imaging.models import ImagingSeries
for row in ImagingSeries.objects.order_by("role"):
    print("SERIES", row.role, row.status, row.received_files, row.stored_files)
"""


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    for _ in range(900):
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.1)
    raise SystemExit(f"nothing listens at port {port}")


class Portal:
    """A portal of its own folder that can be killed and started again at the same address."""

    def __init__(self, place: Path) -> None:
        self.port = free_port()
        self.environment = {
            **os.environ,
            "STUDYPORTAL_VAR": str(place),
            "PYTHONPATH": str(REPOSITORY),
        }
        self.address = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        words = [sys.executable, "manage.py", "up", "--port", str(self.port), "--workers", "1"]
        self.process = subprocess.Popen(
            words, cwd=REPOSITORY, env=self.environment, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_for(self.port)

    def kill(self) -> None:
        """The web server and all that hangs on it are gone at once; the database stays, as a crash leaves it."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        while True:  # its children are tethered to it and end within a second
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                return
            time.sleep(0.05)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)

    def shell(self, script: str) -> str:
        words = [sys.executable, "manage.py", "shell", "-c", script]
        done = subprocess.run(
            words, cwd=REPOSITORY, env=self.environment, capture_output=True, text=True, check=True
        )
        return done.stdout


def sent_by_browser(
    page: Page, folder: Path, *, broken: Callable[[], None] | None
) -> tuple[float, str]:
    """Seconds from choosing the folder to the closed upload, and what the page said after a break."""
    said = ""
    begun = time.perf_counter()
    page.set_input_files("#folder", str(folder))
    if broken:
        page.wait_for_function(
            "/^[1-9]\\d* of \\d+ files sent/.test(document.querySelector('[data-upload-message]').textContent)"
        )
        broken()
        page.get_by_text("No connection to the server.").wait_for()
        page.get_by_role("button", name="Pause").click()
        page.reload()
        said = page.locator("[data-upload-before]").inner_text().split("\n")[0]
        begun = time.perf_counter()
        page.set_input_files("#folder", str(folder))
    page.locator("#upload-verdict .note").first.wait_for()
    return time.perf_counter() - begun, said


def through_the_portal(pair: Path, place: Path, *, break_off: bool) -> float:
    portal = Portal(place)
    portal.start()
    try:
        participant = portal.shell(SETUP).split("PARTICIPANT ")[1].strip()
        with sync_playwright() as player:
            browser = player.chromium.launch(
                executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page()
            page.set_default_timeout(300_000)
            page.goto(f"{portal.address}/sign-in/")
            page.fill("[name=username]", USER)
            page.fill("[name=password]", PASSWORD)
            page.get_by_role("button", name="Sign in").click()
            total = 0.0
            for what, folder in (("PET", pair / "PET"), ("CT", pair / "CT")):
                page.goto(f"{portal.address}/participants/{participant}/")
                page.get_by_role("button", name=f"Send {what}").click()
                page.get_by_text("Drop the folder").wait_for()
                breaks = break_off and what == "CT"
                seconds, said = sent_by_browser(
                    page,
                    folder,
                    broken=(lambda: (portal.kill(), portal.start())) if breaks else None,
                )
                total += seconds
                if said:
                    print(f"           after the kill the page says: {said}")
                begun = time.perf_counter()
                page.get_by_text(f"{what} accepted.").wait_for()
                print(
                    f"           {what}: sent in {seconds:.1f} s, accepted {time.perf_counter() - begun:.1f} s later"
                )
            browser.close()
        print("           " + portal.shell(COUNTS).strip().replace("\n", "\n           "))
        return total
    finally:
        portal.stop()


def through_orthanc(files: list[Path], place: Path) -> float:
    port = free_port()
    settings = {
        "Name": "bench", "DicomServerEnabled": False, "HttpPort": port, "AuthenticationEnabled": False,
        "StorageDirectory": str(place / "db"), "IndexDirectory": str(place / "db"), "Plugins": [],
    }  # fmt: skip
    (place / "orthanc.json").write_text(json.dumps(settings))
    server = subprocess.Popen(
        [ORTHANC, str(place / "orthanc.json")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )

    def lane(mine: list[Path]) -> None:
        line = http.client.HTTPConnection("127.0.0.1", port)
        for path in mine:
            line.request("POST", "/instances", path.read_bytes())
            answer = line.getresponse()
            assert answer.status == 200, answer.read()
            answer.read()

    try:
        wait_for(port)
        begun = time.perf_counter()
        with ThreadPoolExecutor(LANES) as lanes:
            list(lanes.map(lane, [files[n::LANES] for n in range(LANES)]))
        return time.perf_counter() - begun
    finally:
        server.terminate()
        server.wait(30)


def through_storescp(files: list[Path], place: Path) -> float:
    port = free_port()
    server = subprocess.Popen(
        [STORESCP, "--fork", "-od", str(place), str(port)], stdout=subprocess.DEVNULL
    )
    try:
        wait_for(port)
        begun = time.perf_counter()
        folders = sorted({str(path.parent) for path in files})
        subprocess.run([STORESCU, "+sd", "127.0.0.1", str(port), *folders], check=True)
        return time.perf_counter() - begun
    finally:
        server.terminate()
        server.wait(30)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="a pair that was written before")
    parser.add_argument("--ct", type=int, default=400)
    parser.add_argument("--pet", type=int, default=300)
    parser.add_argument("--break-off", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="imaging-upload-") as scratch:
        base = Path(scratch)
        pair = asked.folder or base / "pair"
        if not pair.exists():
            write_large_pair(pair, ct_slices=asked.ct, pet_slices=asked.pet)
        files = sorted([*(pair / "CT").iterdir(), *(pair / "PET").iterdir()])
        megabytes = sum(path.stat().st_size for path in files) / 1e6
        print(
            f"{len(files)} files, {megabytes:.0f} MB; load of the machine {os.getloadavg()[0]:.1f}"
        )
        ways = {
            "storescp": lambda place: through_storescp(files, place),
            "Orthanc": lambda place: through_orthanc(files, place),
            "portal": lambda place: through_the_portal(pair, place, break_off=asked.break_off),
        }
        seconds = {}
        for name, way in ways.items():
            place = base / name
            place.mkdir()
            seconds[name] = way(place)
            print(
                f"{name:<10} {seconds[name]:6.1f} s  {megabytes / seconds[name]:6.1f} MB/s  "
                f"{len(files) / seconds[name]:6.1f} images/s  load {os.getloadavg()[0]:.1f}"
            )
        if not asked.break_off:
            for other in ("Orthanc", "storescp"):
                print(f"ratio to {other}: {seconds[other] / seconds['portal']:.2f}")


if __name__ == "__main__":
    main()
