"""The web upload of a 700-slice pair in Chromium, beside Orthanc's own upload page, its REST upload and dcmtk's storescp.

    python -m benchmarks.imaging_upload [--folder FOLDER] [--ct 400] [--pet 300] [--rounds 1] [--break-off]

All of them receive the same files on the same disk in the same run. Ours is the whole way a person takes: the browser
reads and hashes the files, announces them, sends them, and the server has each on disk (fsync) before it answers.
The page of Orthanc (its Explorer) is the way a person takes there, in the same browser: files chosen, sent, all in its
list. Its REST interface gets POST /instances by a script with the bytes in memory, over as many connections side by
side as the browser uses; storescp one association of storescu. None of these calls fsync. With --break-off the portal is killed (SIGKILL, all of it) in the middle of the
CT and started again, the page is reloaded, and the same folder is chosen again.
"""

import argparse
import http.client
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.large_pair import write_large_pair
from benchmarks.portal_process import Portal, free_port, wait_for

ORTHANC, STORESCP, STORESCU = "/usr/sbin/Orthanc", "/usr/bin/storescp", "/usr/bin/storescu"
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
CHROMIUM_ARGUMENTS = ["--no-sandbox", "--disable-gpu"]
LANES = 3
PARTICIPANT = """
from studyportal.core.models import User
from studyportal.sites.selectors import site_by_code
from tests.portal.web_study import enrolled
print(enrolled(site_by_code("SPH"), User.objects.get(username="coordinator")).pk)
"""
COUNTS = """
from studyportal.imaging.models import ImagingSeries
for row in ImagingSeries.objects.order_by("opened_at")[:2]:
    print(row.role, row.status, "received", row.received_files, "stored", row.stored_files)
"""


def sent_by_browser(
    page: Page, folder: Path, *, broken: Callable[[], None] | None
) -> tuple[float, str]:
    """Seconds from choosing the folder to the closed upload, and what the page said after a break."""
    said = ""
    begun = time.perf_counter()
    page.set_input_files("#folder", str(folder))
    if broken:
        under_way = re.compile(r"^[1-9]\d* of \d+ files sent")
        page.locator("[data-upload-message]").filter(has_text=under_way).wait_for()
        broken()
        page.get_by_text("No connection to the server.").wait_for()
        page.get_by_role("button", name="Pause").click()
        page.reload()
        said = page.locator("[data-upload-before]").inner_text().split("\n")[0]
        begun = time.perf_counter()
        page.set_input_files("#folder", str(folder))
    page.locator("#upload-verdict .note").first.wait_for()
    return time.perf_counter() - begun, said


def through_the_portal(portal: Portal, pair: Path, *, break_off: bool) -> float:
    participant = portal.shell(PARTICIPANT).splitlines()[-1]
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        page = browser.new_page()
        page.set_default_timeout(300_000)
        portal.sign_in(page, "coordinator")
        total = 0.0
        for what in ("PET", "CT"):
            page.goto(f"{portal.address}/participants/{participant}/")
            page.get_by_role("button", name=f"Send {what}").click()
            page.get_by_text("Drop the folder").wait_for()
            broken = (
                (lambda: (portal.kill(), portal.start())) if break_off and what == "CT" else None
            )
            seconds, said = sent_by_browser(page, pair / what, broken=broken)
            total += seconds
            if said:
                print(f"           killed and started again; the page says: {said}")
            begun = time.perf_counter()
            page.locator("#upload-verdict:not([hx-get])").wait_for()
            settled = time.perf_counter() - begun
            print(f"           {what}: sent in {seconds:.1f} s, checked {settled:.1f} s later")
        browser.close()
    return total


@contextmanager
def orthanc(place: Path) -> Iterator[int]:
    """An Orthanc with nothing in it; its port."""
    port = free_port()
    settings = {
        "Name": "bench", "DicomServerEnabled": False, "HttpPort": port, "AuthenticationEnabled": False,
        "StorageDirectory": str(place / "db"), "IndexDirectory": str(place / "db"), "Plugins": [],
    }  # fmt: skip
    (place / "orthanc.json").write_text(json.dumps(settings))
    server = subprocess.Popen(
        [ORTHANC, str(place / "orthanc.json")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(port)
        yield port
    finally:
        server.terminate()
        server.wait(30)


def through_orthanc(files: list[Path], place: Path) -> float:
    with orthanc(place) as port:

        def lane(mine: list[Path]) -> None:
            line = http.client.HTTPConnection("127.0.0.1", port)
            for path in mine:
                line.request("POST", "/instances", path.read_bytes())
                answer = line.getresponse()
                assert answer.status == 200, answer.read()
                answer.read()

        begun = time.perf_counter()
        with ThreadPoolExecutor(LANES) as lanes:
            list(lanes.map(lane, [files[n::LANES] for n in range(LANES)]))
        return time.perf_counter() - begun


def through_the_page_of_orthanc(files: list[Path], place: Path) -> float:
    with orthanc(place) as port, sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        page = browser.new_page()
        page.set_default_timeout(300_000)
        page.goto(f"http://127.0.0.1:{port}/app/explorer.html#upload")
        page.locator("#upload-button").wait_for()
        begun = time.perf_counter()
        page.set_input_files("#fileupload", [str(path) for path in files])
        page.locator("#upload-button").click()
        page.locator("#progress .label").filter(has_text=re.compile("^(Done|Failure)$")).wait_for()
        seconds = time.perf_counter() - begun
        stored = page.request.get(f"http://127.0.0.1:{port}/statistics").json()["CountInstances"]
        assert stored == len(files), f"Orthanc's page sent {stored} of {len(files)} files"
        browser.close()
    return seconds


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
    parser.add_argument("--rounds", type=int, default=1, help="the best of each way counts")
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
        best: dict[str, float] = {}
        with Portal(base / "portal") as portal:
            ways = {
                "storescp": lambda place: through_storescp(files, place),
                "Orthanc's REST": lambda place: through_orthanc(files, place),
                "Orthanc's page": lambda place: through_the_page_of_orthanc(files, place),
                "portal": lambda _: through_the_portal(portal, pair, break_off=asked.break_off),
            }
            for number in range(asked.rounds):
                for name, way in ways.items():
                    place = base / f"{name}-{number}"
                    place.mkdir()
                    seconds = way(place)
                    best[name] = min(seconds, best.get(name, seconds))
                    print(
                        f"{name:<14} {seconds:6.1f} s  {megabytes / seconds:6.1f} MB/s  "
                        f"{len(files) / seconds:6.1f} images/s  load {os.getloadavg()[0]:.1f}",
                        flush=True,
                    )
                    shutil.rmtree(place)
            print(portal.shell(COUNTS))
        for other in ("Orthanc's page", "Orthanc's REST", "storescp"):
            print(f"best of each: ratio to {other} {best[other] / best['portal']:.2f}")


if __name__ == "__main__":
    main()
