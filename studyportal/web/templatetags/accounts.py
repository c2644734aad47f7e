"""How pages of django-allauth write the fields of forms that are not the portal's own."""

from collections.abc import Iterable

from django import forms, template
from django.forms import BoundField
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from studyportal.core.models import Digest

register = template.Library()
_FACTORS = {"totp": _("app"), "webauthn": _("passkey"), "recovery_codes": _("recovery codes")}


@register.filter
def factor_words(kinds: Iterable[str]) -> str:
    """Return the kinds of second factors as words."""
    return ", ".join(str(_FACTORS.get(kind, kind)) for kind in sorted(kinds)) or "–"


@register.simple_tag
def digest_choices() -> list[tuple[str, Promise | str]]:
    """Return how often an e-mail can say what waits."""
    return list(Digest.choices)


@register.filter
def control(field: BoundField) -> SafeString:
    """Return the field's control in the portal's look."""
    css = "form-check-input" if is_checkbox(field) else "form-control"
    field.field.widget.attrs.pop("placeholder", None)
    return field.as_widget(attrs={"class": css})


@register.filter
def is_checkbox(field: BoundField) -> bool:
    """Return whether the label stands behind the control."""
    return isinstance(field.field.widget, forms.CheckboxInput)
