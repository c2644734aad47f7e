"""Every page of the portal is accessible by axe-core (WCAG 2.2 AA) and no wider than a computer's or a tablet's screen."""

import pytest
from django.conf import settings
from django.test import Client

from studyportal.sites.rules import Role
from tests.portal.page_walk import Page, pages
from tests.portal.seeded_study import seeded_study

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
COMPUTER, TABLET = {"width": 1366, "height": 768}, {"width": 768, "height": 1024}
RULES = "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']"
AXE = (
    f"axe.run({{runOnly: {RULES}}}).then(r => r.violations.map(v => "
    "v.id + ': ' + v.nodes.map(n => n.html.slice(0, 90)).join(' | ')))"
)
# Pieces that a page asks for and puts into itself.
PARTS = {"comparison_progress", "job_progress", "jobs_now", "run_progress", "upload_verdict"}
# Who sees most of a page goes first.
ORDER = (
    Role.DATA_MANAGER,
    Role.COORDINATOR,
    Role.SITE_PI,
    Role.STUDY_PI,
    Role.ADMINISTRATOR,
    Role.STATISTICIAN,
    Role.SYNTHESIS_OPERATOR,
    Role.READER,
)


def role_for(page: Page) -> Role:
    return next(role for role in ORDER if role in page.roles)


def wide(browser_page) -> int:
    return browser_page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )


def faults_of(browser_page, axe: str) -> list[str]:
    """What is wrong with the page that is open, in words."""
    faults = []
    for name, size in (("computer", COMPUTER), ("tablet", TABLET)):
        browser_page.set_viewport_size(size)
        if (surplus := wide(browser_page)) > 0:
            faults.append(f"{surplus} px wider than the screen of a {name}")
    browser_page.set_viewport_size(COMPUTER)
    browser_page.add_script_tag(url=axe)
    return faults + browser_page.evaluate(AXE)


def test_every_page_is_accessible_and_fits_its_screen(live_server, chromium):
    seeded = seeded_study(participants=3)
    context = chromium.new_context(viewport=COMPUTER)
    sheet = context.new_page()
    seen, faults = set(), {}
    every = [(page.name, role_for(page), page.address(seeded.objects)) for page in pages()]
    every += [(name, Role.DATA_MANAGER, address) for name, address in seeded.entered_twice]
    for name, role, address in sorted(every, key=lambda one: ORDER.index(one[1])):
        client = Client()
        client.force_login(seeded.study.people[role])
        if address is None or client.get(address).status_code != 200:
            continue
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
        answer = sheet.goto(live_server.url + address)
        if "text/html" in answer.headers.get("content-type", "") and name not in PARTS:
            seen.add(name)
            if found := faults_of(sheet, f"{live_server.url}/static/built/axe.min.js"):
                faults[name] = found
    context.close()
    assert faults == {}
    assert len(seen) >= 60, sorted(seen)
    assert {"withdrawal", "crf_second", "crf_reconcile"} <= seen
