"""Forms about accounts and roles."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from studyportal.sites.rules import ROLE_NAMES
from studyportal.web.forms import PortalForm


def _password(label: Any, hint: Any = "") -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
    return forms.CharField(label=label, help_text=hint, widget=widget, strip=False)


class AccountForm(PortalForm):
    """What whoever accepts an invitation chooses."""

    username = forms.CharField(
        label=_("User name"),
        max_length=150,
        help_text=_("You sign in with it; it stands beside what you do, for ever."),
        widget=forms.TextInput(attrs={"autocomplete": "username"}),
    )
    display_name = forms.CharField(
        label=_("Your name"),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = _password(_("Password"), _("At least 12 characters, not only digits."))
    again = _password(_("The same password again"))

    def clean(self) -> dict[str, Any]:
        """Refuse two passwords that differ."""
        typed = super().clean() or self.cleaned_data
        if typed.get("password") != typed.get("again"):
            self.add_error("again", _("This is not the same password."))
        return typed


class RoleForm(PortalForm):
    """A role, at a site or in the whole study."""

    role = forms.ChoiceField(
        label=_("Role"), choices=[(role.value, name) for role, name in ROLE_NAMES.items()]
    )
    site: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        queryset=None, label=_("Site"), required=False, empty_label=_("the whole study")
    )

    def __init__(self, *args: Any, sites: QuerySet[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ModelChoiceField[Any]", self.fields["site"]).queryset = sites


class InviteForm(RoleForm):
    """Whom to invite, and to what."""

    email = forms.EmailField(label=_("E-mail address"))
    field_order = ("email", "role", "site")


class ReviewForm(PortalForm):
    """What follows from an access review."""

    note = forms.CharField(
        label=_("What follows from it"),
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Say what you changed, or that nothing needs to change."),
    )
