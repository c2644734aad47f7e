"""A reader in a real browser: nothing that was answered is lost."""

import pytest
from django.conf import settings
from django.test import Client

from studyportal.reading.models import Read
from tests.portal.reading_scenes import small_session

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def context_of(chromium, server, person, **more):
    """A browser in which the person is signed in."""
    client = Client()
    client.force_login(person)
    context = chromium.new_context(**{"viewport": {"width": 1366, "height": 768}} | more)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": server.url}])
    context.set_default_timeout(15_000)
    return context


def shown(page, code=None):
    """The code of the case on the page once its first image is drawn, another one than before."""
    form = page.locator(f'form[data-code]:not([data-code="{code}"])')
    form.wait_for()
    page.locator("[data-viewer][data-state=ready]").wait_for()
    return form.get_attribute("data-code")


def begin(page, server):
    page.goto(f"{server.url}/reading/")
    page.locator("main form button.btn-primary").click()
    return shown(page)


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
