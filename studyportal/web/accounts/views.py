"""Pages of django-allauth that change how somebody signs in: each change is kept in the audit trail."""

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.account.views import PasswordChangeView, PasswordResetFromKeyView
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.views import AddWebAuthnView, RemoveWebAuthnView
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse_lazy

from studyportal.core.services import record
from studyportal.web.answers import acting


class _Recorded:
    """A form whose success is an event of the audit trail, in the same transaction (ICH E6(R3) 4.2.2)."""

    request: HttpRequest
    verb = ""
    sentence = ""

    def form_valid(self, form: Any) -> HttpResponse:
        user = acting(self.request)
        with transaction.atomic():
            answer: HttpResponse = super().form_valid(form)  # type: ignore[misc]  # a mix-in of form views
            record(self.verb, user, self.sentence.format(user.username), by=user)
        return answer


class ChangePassword(_Recorded, PasswordChangeView):
    verb, sentence = "change_password", "{} changed the password."
    success_url = reverse_lazy("mfa_index")


class NewPassword(PasswordResetFromKeyView):
    """Whoever reads the person's mail sets a new password; the second factor is asked for all the same."""

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            answer: HttpResponse = super().form_valid(form)
            sentence = f"{self.reset_user.username} set a new password after a mail."
            record("reset_password", self.reset_user, sentence, by=self.reset_user)
        return answer


class ActivateApp(_Recorded, ActivateTOTPView):
    verb, sentence = "add_second_factor", "{} set up an authenticator app."

    def form_valid(self, form: Any) -> HttpResponse:
        answer = super().form_valid(form)
        _given(self.request, Authenticator.Type.TOTP)
        return answer


class DeactivateApp(_Recorded, DeactivateTOTPView):
    verb, sentence = "drop_second_factor", "{} took away the authenticator app."


class GenerateRecoveryCodes(_Recorded, GenerateRecoveryCodesView):
    verb, sentence = "draw_recovery_codes", "{} drew new recovery codes."


class AddKey(_Recorded, AddWebAuthnView):
    verb, sentence = "add_second_factor", "{} added a passkey or security key."

    def form_valid(self, form: Any) -> HttpResponse:
        answer = super().form_valid(form)
        _given(self.request, Authenticator.Type.WEBAUTHN)
        return answer


class RemoveKey(_Recorded, RemoveWebAuthnView):
    verb, sentence = "drop_second_factor", "{} removed a passkey or security key."


def _given(request: HttpRequest, kind: Authenticator.Type) -> None:
    """Whoever has just set up a factor has just shown that they hold it."""
    record_authentication(request, acting(request), "mfa", type=kind.value, reauthenticated=True)


new_password = NewPassword.as_view()
change_password = ChangePassword.as_view()
activate_app = ActivateApp.as_view()
deactivate_app = DeactivateApp.as_view()
generate_recovery_codes = GenerateRecoveryCodes.as_view()
add_key = AddKey.as_view()
remove_key = RemoveKey.as_view()
