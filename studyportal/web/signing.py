"""Signatures as pages and files show them: what was signed, by whom, what it means, and whether it counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from studyportal.clinical.rules import FORMS, MEANINGS, WAYS, Meaning, ProofWay, VerifiedScope
from studyportal.clinical.selectors import (
    CheckedSignature,
    critical_fields,
    open_unlock_of,
    scope_for,
    signatures_of,
    signatures_on,
)
from studyportal.clinical.states import FormStatus
from studyportal.sites.rules import Action
from studyportal.sites.selectors import may
from studyportal.web.crf import said
from studyportal.web.forms import PortalForm

if TYPE_CHECKING:
    from django.http import HttpRequest

    from studyportal.clinical.models import Form, Signature
    from studyportal.participants.models import Participant

STANDS, VOIDED, BROKEN = "stands", "voided", "broken"


class SignForm(PortalForm):
    """What a person gives when they sign: the meaning, and their password or a one-time code."""

    meaning = forms.ChoiceField(
        label=gettext_lazy("What your signature means"), widget=forms.RadioSelect
    )
    proof = forms.CharField(
        label=gettext_lazy("Your password or a one-time code"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    seen = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["meaning"]
        choice.choices = [(m.value, said(MEANINGS[m])) for m in Meaning]  # type: ignore[attr-defined]  # a ChoiceField


@dataclass(frozen=True)
class SignedLine:
    """One signature in words."""

    checked: CheckedSignature
    what: str
    meaning: str
    way: str
    state: str
    changed: tuple[str, ...]

    @property
    def signature(self) -> Signature:
        """The row itself."""
        return self.checked.signature


def lines_of(signatures: Iterable[CheckedSignature]) -> list[SignedLine]:
    """Each signature in the reader's language."""
    return [_line(one) for one in signatures]


def _line(one: CheckedSignature) -> SignedLine:
    row = one.signature
    return SignedLine(
        checked=one,
        what=title_of(row.form) if row.form else _("Whole casebook"),
        meaning=said(MEANINGS[Meaning(row.meaning)]),
        way=said(WAYS[ProofWay(row.way)]),
        state=state_of(one),
        changed=tuple(title_of(form) for form in one.changed) if one.broken else (),
    )


def state_of(one: CheckedSignature) -> str:
    """Whether the signature counts."""
    if one.voided:
        return VOIDED
    return STANDS if one.counts else BROKEN


def casebook_state(participant: Participant) -> str:
    """What a participant's page says of signatures: that the casebook is signed, or that one does not count."""
    signed = signatures_of(participant)
    if any(one.broken for one in signed):
        return BROKEN
    return STANDS if any(one.counts and not one.signature.form_id for one in signed) else ""


def title_of(form: Form) -> str:
    """What people call the form."""
    number = f" {form.occurrence}" if FORMS[form.kind].repeats else ""
    return f"{said(FORMS[form.kind].title)}{number}"


def signing_of(request: HttpRequest, form: Form) -> dict[str, Any]:
    """The context of the panel of signatures beside a form."""
    site = form.participant.site
    locks = may(request.user, Action.LOCK_DATA, site=site)
    lines = lines_of(signatures_on(form))
    unlock = open_unlock_of(form) if form.status == FormStatus.LOCKED else None
    signable = form.status in (FormStatus.VERIFIED, FormStatus.SIGNED)
    return {
        "signed_lines": lines,
        "signed_stands": any(line.state == STANDS for line in lines),
        "signed_broken": any(line.state == BROKEN for line in lines),
        "may_sign": signable and may(request.user, Action.SIGN_RECORDS, site=site),
        "may_lock": locks and form.status == FormStatus.SIGNED,
        "may_unlock": locks and form.status == FormStatus.LOCKED,
        "unlock": unlock,
        "own_unlock": unlock is not None and unlock.asked_by_id == request.user.pk,
    }


def to_compare(form: Form) -> dict[str, Any]:
    """How much of a form a monitor compares with its sources."""
    scope = scope_for(form)
    fields = critical_fields(form) if scope is VerifiedScope.CRITICAL else []
    return {"scope": scope, "critical_labels": [said(one.label) for one in fields]}
