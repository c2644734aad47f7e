"""How django-allauth signs people in here: nobody signs up, every sign-in is kept, secrets are stored encrypted."""

import base64
import hashlib
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils.encoding import force_bytes
from django.utils.translation import gettext_lazy as _

from studyportal.core import clock
from studyportal.core.models import User
from studyportal.core.services import record
from studyportal.web.accounts.sessions import BEGAN, SEEN

_WAYS = {
    "password": "with a password",
    "mfa": "with a second factor",
    "socialaccount": "through the identity provider",
    "persona": "as a persona of the demonstration",
    "invitation": "by accepting an invitation",
}


class AccountAdapter(DefaultAccountAdapter):
    """Sign-in by user name; accounts are made by invitation only (21 CFR 11.10(d), ICH E6(R3) 4.2.2)."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": _("The user name and the password do not fit."),
        "too_many_login_attempts": _("Too many wrong attempts. Try again in 15 minutes."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Leave the counting of wrong passwords to django-axes, which locks and records."""

    def login(self, request: HttpRequest, user: User) -> None:
        """The person is signed in, the clocks of the session run, and the trail knows how."""
        records = request.session.get("account_authentication_methods") or []
        ways = dict.fromkeys(_WAYS[one["method"]] for one in records if one["method"] in _WAYS)
        with transaction.atomic():
            super().login(request, user)
            record(
                "sign_in",
                user,
                f"{user.username} signed in {' and '.join(ways) or 'without a password'}.",
                by=user,
            )
        moment = clock.now().timestamp()
        request.session[BEGAN] = request.session[SEEN] = moment
        # What was just typed need not be typed again for what asks for it within the next minutes.
        if records:
            record_authentication(request, user, records[-1]["method"], reauthenticated=True)

    def logout(self, request: HttpRequest) -> None:
        user = request.user
        super().logout(request)
        if isinstance(user, User):
            record("sign_out", user, f"{user.username} signed out.", by=user)

    def add_message(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Say what happened to an account; that one is signed in or out, one sees."""
        template = kwargs.get("message_template") or (args[1] if len(args) > 1 else None)
        if template not in {"account/messages/logged_in.txt", "account/messages/logged_out.txt"}:
            super().add_message(request, *args, **kwargs)


class HospitalIdentityAdapter(DefaultSocialAccountAdapter):
    """The hospital's identity provider opens accounts that exist; it never makes one."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False


class SecondFactorAdapter(DefaultMFAAdapter):
    """Second factors: their secrets lie encrypted in the database, apart from the key."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _(
            "This code is not right, or it was used already. Wait for the next one."
        ),
    }

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _cipher().decrypt(encrypted_text.encode()).decode()

    def get_totp_label(self, user: Any) -> str:
        return str(user.username)

    def get_public_key_credential_user_entity(self, user: Any) -> dict[str, Any]:
        return {**super().get_public_key_credential_user_entity(user), "name": user.username}


def _cipher() -> MultiFernet:
    """Encrypt with the present SECRET_KEY; what an earlier one encrypted can still be read."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_derived(key)) for key in keys])


def _derived(key: str | bytes) -> bytes:
    digest = hashlib.sha256(b"studyportal second factors\0" + force_bytes(key)).digest()
    return base64.urlsafe_b64encode(digest)
