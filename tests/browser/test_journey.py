"""A coordinator screens and enrols a participant and sends CT and PET, with the real controls."""

import re
import time
from datetime import timedelta

import pytest

from studyportal.core import clock
from studyportal.imaging.models import ImagingSeries
from studyportal.imaging.services import check_series
from studyportal.participants.models import Participant
from studyportal.sites.rules import Role
from tests.portal.web_study import PASSWORD, phantom_folder, ready_pair, released_model, small_study

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def sign_in(page, address, username):
    page.goto(f"{address}/sign-in/")
    page.fill("[name=login]", username)
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def overflow(page):
    return page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )


def send(page, what, folder):
    page.get_by_role("button", name=f"Send {what}").click()
    page.set_input_files("#folder", folder)
    page.get_by_text("Being checked.").wait_for()
    check_series(series=ImagingSeries.objects.get(status="received"))
    page.get_by_text(f"{what} accepted.").wait_for()  # the page asked again by itself


def picture_widths(page, count: int, seconds: float = 20) -> list[int]:
    """Widths of the pictures of a page once they have arrived; zero for one that never did."""
    pictures = page.locator("figure img")
    pictures.nth(count - 1).wait_for()
    assert pictures.count() == count
    deadline = time.monotonic() + seconds
    while True:
        widths = [pictures.nth(n).evaluate("one => one.naturalWidth") for n in range(count)]
        if all(widths) or time.monotonic() > deadline:
            return widths
        page.wait_for_timeout(50)


def test_from_screening_to_a_ready_pair(live_server, screen, tmp_path):
    small_study()
    folder = phantom_folder(tmp_path / "phantom")
    page = screen
    sign_in(page, live_server.url, "coordinator")
    page.get_by_role("link", name="Screen a participant").click()
    page.get_by_label("female").check()
    page.fill("[name=age_years]", "63")
    page.fill("[name=consent_date]", (clock.today() - timedelta(days=1)).isoformat())
    page.select_option("[name=consent_version]", "1.0")
    for code, answer in (("INC-01", "met"), ("INC-02", "met"), ("INC-03", "met")):
        page.check(f"[name='{code}'][value={answer}]")
    page.locator("#verdict .status").filter(has_text="Not decided yet").wait_for()
    page.check("[name='EXC-01'][value=not_met]")
    page.locator("#verdict .status").filter(has_text="Eligible").wait_for()
    assert not Participant.objects.exists()
    page.get_by_role("button", name="Save the screening").click()
    page.get_by_role("button", name="Enrol").click()
    page.get_by_text("SPH-00001 is enrolled.").wait_for()
    assert overflow(page) <= 0

    send(page, "CT", folder / "CT")
    page.get_by_role("link", name="SPH-00001").first.click()
    send(page, "PET", folder / "PET")
    verdict = page.locator("#upload-verdict").inner_text()
    assert re.search(r"SUV can be computed \(rule .*injected dose \d+\.\d MBq", verdict)
    covered = r"The CT covers 100 % of the PET\.\s+(The images are being checked|Ready)\."
    assert re.search(covered, verdict), verdict[:900]
    assert overflow(page) <= 0

    page.get_by_role("link", name="Images and findings").click()
    assert all(picture_widths(page, 2))
    assert overflow(page) <= 0


def test_a_refused_folder_says_so_and_nothing_is_lost(live_server, screen, tmp_path):
    study = small_study()
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    (wrong / "letter.txt").write_text("not an image")
    page = screen
    from tests.portal.web_study import enrolled

    participant = enrolled(study.sites["SPH"], study.coordinator)
    sign_in(page, live_server.url, "coordinator")
    page.goto(f"{live_server.url}/participants/{participant.pk}/")
    page.get_by_role("button", name="Send CT").click()
    page.set_input_files("#folder", wrong)
    page.get_by_text("Being checked.").wait_for()
    check_series(series=ImagingSeries.objects.get(status="received"))
    page.get_by_text("The CT was refused.").wait_for()


PAGES = {
    Role.COORDINATOR: ["/participants/", "/participants/screen/", "/pairs/", "/help/roles/"],
    Role.DATA_MANAGER: ["/pairs/", "/pairs/{pair}/", "/participants/{participant}/", "/dashboard/"],
    Role.SYNTHESIS_OPERATOR: ["/jobs/", "/releases/", "/releases/{release}/", "/pairs/{pair}/"],
    Role.STATISTICIAN: ["/outcomes/", "/outcomes/freeze/", "/exports/", "/pairs/{pair}/"],
    Role.STUDY_PI: ["/dashboard/"],
    Role.ADMINISTRATOR: [
        "/people/",
        "/people/invite/",
        "/people/access/",
        "/people/accounts/monitor/",
        "/account/security/",
        "/account/password/",
        "/dashboard/",
    ],
    Role.READER: ["/"],
}


def test_no_page_is_wider_than_its_screen_or_hard_to_reach(live_server, screen, tmp_path):
    study = small_study()
    pair = ready_pair(study.sites["SPH"], study.coordinator, phantom_folder(tmp_path / "phantom"))
    places = {
        "pair": pair.pk,
        "participant": pair.participant_id,
        "release": released_model().pk,
    }
    page = screen
    axe = f"{live_server.url}/static/built/axe.min.js"
    for role, paths in PAGES.items():
        page.goto(
            "about:blank"
        )  # the pair's page asks for its images on its own, and would do so signed out
        page.context.clear_cookies()
        sign_in(page, live_server.url, role.value)
        for path in paths:
            page.goto(live_server.url + path.format(**places))
            assert overflow(page) <= 0, path
            page.add_script_tag(url=axe)
            found = page.evaluate(
                "axe.run({runOnly: ['wcag2a', 'wcag2aa']}).then(r => r.violations.map(v => "
                "v.id + ': ' + v.nodes.map(n => n.html.slice(0, 90)).join(' | ')))"
            )
            assert found == [], path
