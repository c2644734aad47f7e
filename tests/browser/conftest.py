"""A real browser against a real server."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
BUILT = Path(__file__).resolve().parents[2] / "studyportal" / "web" / "static" / "built"


@pytest.fixture(scope="module")
def chromium() -> Iterator[object]:
    """A headless Chromium, or skip."""
    if not CHROMIUM:
        pytest.skip("Chromium is not installed here")
    if not (BUILT / "portal.js").is_file():
        pytest.skip("the browser parts are not built; run manage.py build_assets")
    from playwright.sync_api import sync_playwright

    # Playwright's loop runs in this thread; Django then takes the test itself for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as player:
        browser = player.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()
        connections.close_all()  # those that were opened while the loop ran are known only here
    os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE")


@pytest.fixture(params=[(1366, 768), (390, 844)], ids=["computer", "phone"])
def screen(request: pytest.FixtureRequest, chromium: object) -> Iterator[object]:
    """A page of the browser; any complaint of the browser fails the test."""
    width, height = request.param
    context = chromium.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: complaints.append(message.text) if message.type == "error" else None,
    )
    page.set_default_timeout(15_000)
    yield page
    page.wait_for_load_state("networkidle")
    context.close()
    assert complaints == []
