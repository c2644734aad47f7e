"""A second factor in a real browser: an authenticator app, a passkey on a virtual authenticator, one-click personas."""

import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

from tests.browser.test_journey import overflow, sign_in
from tests.portal.web_study import small_study

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
# A passkey is bound to a name; an address in digits has none.
NAMED = "localhost"


def virtual_authenticator(page):
    """A platform authenticator that keeps passkeys and says yes, as Touch ID or Windows Hello would."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session


def code_of(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def test_a_passkey_is_set_up_and_signs_in_without_a_password(live_server, screen, settings):
    settings.SECOND_FACTOR = True
    small_study()
    page, address = screen, live_server.url.replace("127.0.0.1", NAMED)
    virtual_authenticator(page)
    sign_in(page, address, "data_manager")
    page.get_by_text("Set up a second factor to go on").wait_for()
    assert overflow(page) <= 0
    page.locator("a[href='/account/security/keys/add/']").click()
    assert page.get_by_label("Sign in with it alone").is_checked()
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_text("Recovery Codes").first.wait_for()
    assert overflow(page) <= 0
    assert Authenticator.objects.get(type="webauthn").user.username == "data_manager"
    page.goto(f"{address}/pairs/")
    page.get_by_role("link", name="Participants", exact=True).wait_for()

    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_role("link", name="Participants", exact=True).wait_for()
    assert page.url.startswith(f"{address}/pairs/")


def test_an_app_is_set_up_and_its_code_asked_for(live_server, screen, settings):
    settings.SECOND_FACTOR = True
    small_study()
    page = screen
    sign_in(page, live_server.url, "monitor")
    page.locator("a[href='/account/security/app/']").click()
    secret = page.locator("#authenticator_secret").input_value()
    assert page.locator("img.account__picture").evaluate("one => one.naturalWidth") > 0
    assert overflow(page) <= 0
    page.fill("[name=code]", code_of(secret))
    page.get_by_role("button", name="Activate").click()
    page.get_by_text("Recovery Codes").first.wait_for()

    page.get_by_role("button", name="Sign out").click()
    sign_in(page, live_server.url, "monitor")
    assert overflow(page) <= 0
    page.fill("[name=code]", code_of(secret))
    page.get_by_role("button", name="Sign In", exact=True).click()
    page.get_by_role("link", name="Participants", exact=True).wait_for()


def test_a_persona_of_the_demonstration_is_one_click_away(live_server, screen):
    small_study()
    page = screen
    page.goto(f"{live_server.url}/sign-in/")
    assert overflow(page) <= 0
    page.get_by_role("button", name="coordinator").click()
    page.get_by_role("link", name="Screen a participant").wait_for()
