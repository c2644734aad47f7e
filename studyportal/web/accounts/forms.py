"""Forms of signing in, in the portal's look."""

from typing import Any

from allauth.account.forms import LoginForm, ResetPasswordKeyForm
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django import forms
from django.utils.translation import gettext_lazy as _


def _look_alike(form: forms.Form) -> None:
    form.label_suffix = ""
    for field in form.fields.values():
        if not isinstance(field.widget, forms.CheckboxInput | forms.HiddenInput):
            field.widget.attrs["class"] = "form-control"
        field.widget.attrs.pop("placeholder", None)


class SignInForm(LoginForm):
    """User name and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _look_alike(self)
        self.fields["login"].label = _("User name")
        self.fields["password"].help_text = ""


class CodeForm(AuthenticateForm):
    """The code of an authenticator app, or a recovery code."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _look_alike(self)
        self.fields["code"].label = _("Code of your app, or a recovery code")
        self.fields["code"].widget.attrs |= {"autofocus": True, "inputmode": "numeric"}


class KeyForm(AddWebAuthnForm):
    """A passkey, or a security key that only stands beside the password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["passwordless"].initial = True
        self.fields["passwordless"].label = _("Sign in with it alone, without a password")
        self.fields["passwordless"].help_text = _(
            "Clear this for a key without fingerprint or PIN."
        )
        self.fields["name"].help_text = _("Such as “Laptop” or “Key on my ring”.")


class NewPasswordForm(ResetPasswordKeyForm):
    """A new password after a mail that only its owner can read."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _look_alike(self)
