"""Seconds from Ctrl+Enter on one case to the first image of the next, as Chromium itself measures them.

    python -m benchmarks.reading_page [--cases 20] [--edge 128] [--pause 3]

A reader answers every case by keyboard. Half of the cases show CT, half CT and PET; both are cubes of `edge` voxels
of noise, which compresses worse than any body. `pause` is how long the reader looks at a case, in which the page
fetches the next one. The browser has no graphics card, so the page draws by the processor.
"""

import argparse
import os
import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.portal_process import PASSWORD, Portal
from benchmarks.viewer_first_image import CHROMIUM

SESSION = """
from tests.portal.reading_scenes import small_session
session, (reader,) = small_session(cases={cases}, edge={edge})
print(reader.username)
"""
TOOK = """() => {
  const last = name => performance.getEntriesByName(name).at(-1).startTime;
  return last('viewer-first-picture') - last('reading-submit');
}"""


def shown(page: Page, *, before: str) -> str:
    """The code of the case that is on the page now, once its first image is there."""
    form = page.locator(f'form[data-code]:not([data-code="{before}"])')
    form.wait_for()
    page.locator("[data-viewer][data-state=ready]").wait_for()
    page.wait_for_timeout(200)  # the mark is set after its frame
    return form.get_attribute("data-code") or ""


def read_cases(page: Page, *, cases: int, pause: float) -> list[float]:
    """Seconds to the first image of each case but the first."""
    code = shown(page, before="")
    seconds = []
    for _ in range(cases - 1):
        page.wait_for_timeout(1000 * pause)
        for key in ("4", "2", "3", "Control+Enter"):
            page.keyboard.press(key)
        code = shown(page, before=code)
        seconds.append(page.evaluate(TOOK) / 1000)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=20)
    parser.add_argument("--edge", type=int, default=128)
    parser.add_argument("--pause", type=float, default=3.0)
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="reading-") as scratch,
        Portal(Path(scratch) / "var", people="") as portal,
        sync_playwright() as player,
    ):
        script = SESSION.format(cases=(asked.cases + 1) // 2, edge=asked.edge)
        reader = portal.shell(script).splitlines()[-1]
        browser = player.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.set_default_timeout(120_000)
        page.goto(f"{portal.address}/sign-in/")
        page.fill("[name=login]", reader)
        page.fill("[name=password]", PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.goto(f"{portal.address}/reading/")
        page.locator("main form button.btn-primary").click()
        seconds = read_cases(page, cases=asked.cases, pause=asked.pause)
        browser.close()
    print("  ".join(f"{one:.2f}" for one in seconds))
    under = sum(one < 1 for one in seconds)
    print(
        f"{len(seconds)} cases: median {statistics.median(seconds):.2f} s, longest {max(seconds):.2f} s, "
        f"under 1 s {under}; load {os.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    main()
