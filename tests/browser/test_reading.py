"""A reader in a real browser: twenty cases by keyboard, nothing fetched that unblinds, nothing lost."""

import gzip
import re

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Error

from studyportal.reading.models import CaseVolume, Read, ReadCall
from studyportal.reading.selectors import reads_of_session
from studyportal.reading.services import begin_consensus
from studyportal.reading.states import ReadStatus
from tests.browser.test_every_page import faults_of
from tests.browser.test_journey import overflow
from tests.portal.reading_scenes import read_by, small_session

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LOST = ("submit/", "time/", "draft/")  # answers whose page was left before they could be looked at


def context_of(chromium, server, person, **more):
    """A browser in which the person is signed in."""
    client = Client()
    client.force_login(person)
    context = chromium.new_context(**{"viewport": {"width": 1366, "height": 768}} | more)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": server.url}])
    context.set_default_timeout(15_000)
    return context


class Watch:
    """What a page was sent: addresses, headers and bodies, images unpacked; of what broke off, the address.

    Only what arrived whole is asked for its body: Playwright waits without end for one that never arrives.
    """

    def __init__(self, page):
        self.waiting, self.seen = [], []
        page.on("requestfinished", self.finished)
        page.on("requestfailed", self.failed)

    def finished(self, request):
        self.waiting.append(request)

    def failed(self, request):
        self.seen.append((request.url, request.url.encode()))

    def look(self):
        while self.waiting:
            answer = self.waiting.pop(0).response()
            if "/static/" in answer.url:
                continue
            try:
                body = b"" if 300 <= answer.status < 400 else answer.body()
            except Error:
                assert answer.url.endswith(LOST), answer.url
                continue
            plain = gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body
            told = f"{answer.url}\n{answer.all_headers()}\n".encode()
            self.seen.append((answer.url, told + plain))

    def telling(self, secrets):
        return [(url, one) for url, told in self.seen for one in secrets if names(url, told, one)]


def names(url, told, secret):
    """Whether the secret stands there; a short one as a word of its own, since chance writes three letters."""
    if len(secret) >= 8:
        return secret.encode() in told
    alone = rb"(?<![A-Za-z0-9])" + re.escape(secret.encode()) + rb"(?![A-Za-z0-9])"
    return not url.endswith(".nii.gz") and re.search(alone, told) is not None


def secrets_of(session):
    """All that a reader must not learn of the cases."""
    found = {"ct_pet", *CaseVolume.objects.values_list("sha256", flat=True)}
    for case in session.cases.all():
        participant = case.pair.participant
        found |= {
            str(case.pk),
            str(case.pair_id),
            case.source.series_uid,
            case.source.manifest_sha256,
        }
        found |= {case.reference.series_uid, case.reference.manifest_sha256}
        found |= {participant.code, participant.site.code, participant.site.name}
    return found - {""}


def shown(page, code=None):
    """The code of the case on the page once its first image is drawn, another one than before."""
    form = page.locator(f'form[data-code]:not([data-code="{code}"])')
    form.wait_for()
    page.locator("[data-viewer][data-state=ready]").wait_for()
    return form.get_attribute("data-code")


def begin(page, server, look=lambda: None):
    page.goto(f"{server.url}/reading/")
    look()
    page.locator("main form button.btn-primary").click()
    return shown(page)


@pytest.mark.parametrize(
    ("locale", "end"), [("en", "Everything is read. Thank you."), ("zh-CN", "全部阅片完毕，谢谢。")]
)
def test_twenty_cases_are_read_by_keyboard_alone_without_a_page_load(
    live_server, chromium, locale, end
):
    session, (reader,) = small_session(cases=10)
    context = context_of(chromium, live_server, reader, locale=locale)
    page = context.new_page()
    complaints, loads = [], []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    watch = Watch(page)
    code = begin(page, live_server, watch.look)
    page.keyboard.press("4")
    page.locator("form[data-version='1']").wait_for()
    watch.look()
    page.reload()
    assert shown(page) == code
    assert page.locator("input:checked").get_attribute("value") == "4"  # the draft was kept
    assert overflow(page) <= 0
    if locale == "en":
        assert faults_of(page, f"{live_server.url}/static/built/axe.min.js") == []

    page.on("framenavigated", lambda frame: loads.append(frame.url))
    page.evaluate("window.sameDocument = true")
    for number in range(20):
        first = "1" if number else "2"  # of the case that was loaded again, lesion 1 is answered
        page.locator(f"[data-panel=ct] .viewer__pin[data-lesion='{first}']").wait_for()
        for key in "423" if number else "23":
            page.keyboard.press(key)
        watch.look()
        page.keyboard.press("Control+Enter")
        if number < 19:
            code = shown(page, code)
            assert page.evaluate("window.sameDocument")
    page.get_by_text(end).wait_for()
    watch.look()
    assert [url for url in loads if not re.search(r"/reading/\w", url)] == [
        f"{live_server.url}/reading/"
    ]
    assert complaints == []
    assert reads_of_session(session).filter(status=ReadStatus.SUBMITTED).count() == 20
    scores = set(ReadCall.objects.values_list("question", "unit_id", "score"))
    assert scores == {("malignancy", "1", 4), ("malignancy", "2", 2), ("nodal", "", 3)}
    assert len([url for url, _ in watch.seen if url.endswith(".nii.gz")]) >= 30
    assert watch.telling(secrets_of(session)) == []
    context.close()


def test_neither_a_lost_connection_nor_a_second_window_loses_an_answer(live_server, chromium):
    _, (reader,) = small_session(cases=2)
    context = context_of(chromium, live_server, reader)
    page = context.new_page()
    code = begin(page, live_server)
    other = context.new_page()
    other.goto(page.url)
    shown(other)

    context.set_offline(True)
    page.bring_to_front()
    page.keyboard.press("4")
    page.get_by_text("No connection.").wait_for()
    context.set_offline(False)
    page.locator("form[data-version='1']").wait_for()
    assert Read.objects.get(code=code).draft == {"q.malignancy.1": "4"}

    other.bring_to_front()
    other.keyboard.press("1")
    other.get_by_text("changed in another window").wait_for()
    other.get_by_role("button", name="Take those of the other one").click()
    assert other.locator("input:checked").get_attribute("value") == "4"
    for key in "2", "3", "Control+Enter":
        other.keyboard.press(key)
    shown(other, code)
    page.bring_to_front()
    page.keyboard.press("5")
    page.get_by_text("submitted in another window").wait_for()
    read = Read.objects.get(code=code)
    assert set(read.calls.values_list("unit_id", "score")) == {("1", 4), ("2", 2), ("", 3)}
    context.close()


def test_an_adjudicator_settles_what_readers_dispute_and_their_reads_stay(live_server, chromium):
    session, (one, two, judge) = small_session(cases=1, readers=2, adjudicator=True)
    read_by(session, one, "5")
    read_by(session, two, "1")
    begin_consensus(session=session, by=session.opened_by)
    before = set(ReadCall.objects.values_list("read", "question", "unit_id", "score"))
    context = context_of(chromium, live_server, judge, locale="zh-CN")
    page = context.new_page()
    code = begin(page, live_server)
    assert page.locator("fieldset[data-unit]").count() == 2  # on the nodes they agree
    said = set(page.locator(".reading__opinion").all_inner_texts())
    assert said in ({"阅片者 A：5", "阅片者 B：1"}, {"阅片者 A：1", "阅片者 B：5"})
    assert faults_of(page, f"{live_server.url}/static/built/axe.min.js") == []
    for last in False, True:
        for key in "4", "2", "Control+Enter":
            page.keyboard.press(key)
        code = None if last else shown(page, code)
    page.get_by_text("全部阅片完毕，谢谢。").wait_for()
    own = ReadCall.objects.filter(read__kind="adjudication")
    assert set(own.values_list("unit_id", "score")) == {("1", 4), ("2", 2)}
    assert before < set(ReadCall.objects.values_list("read", "question", "unit_id", "score"))
    context.close()


def test_a_case_that_is_opened_again_is_corrected_and_the_first_read_stays(live_server, chromium):
    session, (reader,) = small_session(cases=1)
    read = read_by(session, reader, "2")
    manager = context_of(chromium, live_server, session.opened_by)
    page = manager.new_page()
    page.goto(f"{live_server.url}/reading/sessions/{session.pk}/")
    page.locator("summary", has_text="Oversight").click()
    page.get_by_role("link", name="Audit trail").wait_for()
    assert faults_of(page, f"{live_server.url}/static/built/axe.min.js") == []
    page.get_by_label("Case code").fill(read.code.lower())
    page.locator("#again-reason").fill("Left and right were mixed up.")
    page.get_by_role("button", name="Open again").click()
    page.get_by_text("The case is open again; what was submitted stays.").wait_for()
    manager.close()

    context = context_of(chromium, live_server, reader)
    page = context.new_page()
    begin(page, live_server)
    page.get_by_text("Left and right were mixed up.").wait_for()
    assert page.locator("input:checked").evaluate_all("all => all.map(one => one.value)") == ["2", "2", "2"]  # fmt: skip
    for key in "5", "Control+Enter":
        page.keyboard.press(key)
    page.get_by_text("Everything is read. Thank you.").wait_for()
    assert set(read.calls.values_list("unit_id", "score")) == {("1", 2), ("2", 2), ("", 2)}
    assert set(read.correction.calls.values_list("unit_id", "score")) == {("1", 5), ("2", 2), ("", 2)}  # fmt: skip
    context.close()
