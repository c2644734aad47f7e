"""Seconds from opening the page of a 300-slice pair to its first image, as Chromium itself measures them.

    python -m benchmarks.viewer_first_image [--folder FOLDER] [--slices 300] [--visits 3] [--drawing flat|card]

Each visit has an empty cache. "still" is the first preview picture on the screen (Element Timing), "slice" the first
slice out of a volume, "all" every picture drawn, "whole CT" the end of everything. All are counted from the start of
the navigation. "processor" is what browser and portal together used until the first slice, whatever else the machine
did. The browser here has no graphics card, so the page draws by the processor; --drawing card has the
processor imitate a card instead, as the page did before.
"""

import argparse
import os
import shutil
import statistics
import tempfile
from contextlib import suppress
from pathlib import Path

import psutil
from playwright.sync_api import sync_playwright

from benchmarks.large_pair import write_large_pair
from benchmarks.portal_process import Portal

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
SOFTWARE_GL = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
PAIR = """
from pathlib import Path
from studyportal.core.models import User
from studyportal.sites.selectors import site_by_code
from studyportal.syntheses.services import derive_pair
from tests.portal.web_study import ready_pair
pair = ready_pair(site_by_code("SPH"), User.objects.get(username="coordinator"), Path("{folder}"))
derive_pair(pair=pair)
print(pair.pk)
"""
WATCH = """
window.seen = {};
new PerformanceObserver(list => list.getEntries().forEach(e => { window.seen.still ??= e.renderTime || e.loadTime; }))
  .observe({type: 'element', buffered: true});
"""
TIMES = """() => {
  const mark = name => performance.getEntriesByName(name)[0]?.startTime;
  return {still: window.seen.still, slice: mark('viewer-first-picture'), all: mark('viewer-all-pictures'),
          'whole CT': mark('viewer-complete')};
}"""


def processor_seconds(portal: Portal) -> float:
    """What browser and portal have used so far, all processes together."""
    trees = (psutil.Process(), psutil.Process(portal.process.pid))
    total = 0.0
    for child in (one for tree in trees for one in tree.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            times = child.cpu_times()
            total += times.user + times.system
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="a pair that was written before")
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--visits", type=int, default=3)
    parser.add_argument("--drawing", choices=("flat", "card"), default="flat")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="viewer-") as scratch:
        folder = asked.folder or Path(scratch) / "pair"
        if not folder.exists():
            write_large_pair(folder, ct_slices=asked.slices, pet_slices=asked.slices)
        with Portal(Path(scratch) / "var") as portal, sync_playwright() as player:
            pair = portal.shell(PAIR.format(folder=folder)).splitlines()[-1]
            browser = player.chromium.launch(
                executable_path=CHROMIUM, args=["--no-sandbox", *SOFTWARE_GL]
            )
            visits = []
            for _ in range(asked.visits):
                context = browser.new_context(viewport={"width": 1366, "height": 768})
                page = context.new_page()
                page.set_default_timeout(300_000)
                portal.sign_in(page, "data_manager")
                page.evaluate("how => localStorage.setItem('viewer.drawing', how)", asked.drawing)
                page.add_init_script(WATCH)
                before = processor_seconds(portal)
                page.goto(f"{portal.address}/pairs/{pair}/", wait_until="commit")
                page.locator("[data-viewer][data-state=ready]").wait_for()
                used = processor_seconds(portal) - before
                page.locator("[data-viewer][data-complete]").wait_for()
                page.wait_for_timeout(500)  # the last mark is set after its frame
                visits.append(page.evaluate(TIMES))
                said = "  ".join(
                    f"{name} {value / 1000:.2f} s" for name, value in visits[-1].items()
                )
                print(f"{said}  processor {used:.2f} s  load {os.getloadavg()[0]:.1f}", flush=True)
                context.close()
            browser.close()
        for name in visits[0]:
            print(f"{name:<9} median {statistics.median(v[name] for v in visits) / 1000:.2f} s")


if __name__ == "__main__":
    main()
