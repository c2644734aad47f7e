"""The forms of consent, withdrawal, refusals and overrides."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from studyportal.participants.rules import (
    LONGEST_BECAUSE,
    LONGEST_REASON,
    AgeBand,
    DeclinedFacts,
    DeclineReason,
    Language,
    Offer,
    Scope,
    Sex,
    Why,
)
from studyportal.web.conduct_words import AGE_WORDS, DECLINE_WORDS, SCOPE_WORDS, WHY_WORDS
from studyportal.web.forms import PortalForm, consent_language, day_field


class ConsentForm(PortalForm):
    """One signature."""

    consent_version = forms.ChoiceField(label=_("Version of the consent form"))
    consent_date = day_field(_("Date of signature"), required=True)

    def __init__(self, *args: Any, versions: Iterable[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["consent_language"] = consent_language()
        choices = [(version, version) for version in versions]
        cast("forms.ChoiceField", self.fields["consent_version"]).choices = choices


class WithdrawForm(PortalForm):
    """How far, when and why somebody withdraws."""

    scope = forms.ChoiceField(
        label=_("How far"), choices=list(SCOPE_WORDS.items()), widget=forms.RadioSelect
    )
    withdrawn_on = day_field(_("Day of the withdrawal"), required=True)
    why = forms.ChoiceField(
        label=_("Why, as far as it was said"),
        choices=list(WHY_WORDS.items()),
        initial=Why.NOT_SAID,
        help_text=_("Nobody has to give a reason."),
    )
    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Write no name and no hospital number."),
    )
    code = forms.CharField(
        label=_("Type the study code to confirm"),
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, code: str, **kwargs: Any) -> None:
        self._code = code
        super().__init__(*args, **kwargs)

    def clean_code(self) -> str:
        """Refuse a code that is not this participant's: what is removed cannot be had back."""
        typed: str = self.cleaned_data["code"].strip()
        if typed != self._code:
            raise forms.ValidationError(
                _("This is not the code of the participant. Type %(code)s.") % {"code": self._code}
            )
        return typed

    @property
    def chosen_scope(self) -> Scope:
        """The scope of a valid form."""
        return Scope(self.cleaned_data["scope"])


class DeclinedForm(PortalForm):
    """Somebody who was asked and declined; nothing here may say who it was."""

    site: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        queryset=None, label=_("Site"), empty_label=None
    )
    declined_on = day_field(_("Day"), required=True)
    reason = forms.ChoiceField(label=_("Why"), choices=list(DECLINE_WORDS.items()))
    sex = forms.ChoiceField(
        label=_("Sex"),
        required=False,
        choices=[("", _("not noted")), (Sex.FEMALE, _("female")), (Sex.MALE, _("male"))],
    )
    age_band = forms.ChoiceField(
        label=_("Age in years"), required=False, choices=list(AGE_WORDS.items())
    )
    submission = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, sites: QuerySet[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ModelChoiceField[Any]", self.fields["site"]).queryset = sites

    @property
    def facts(self) -> DeclinedFacts:
        """What a valid form says."""
        told = self.cleaned_data
        return DeclinedFacts(
            declined_on=told["declined_on"],
            reason=DeclineReason(told["reason"]),
            sex=told["sex"],
            age_band=AgeBand(told["age_band"]),
        )


class BecauseForm(PortalForm):
    """A reason in words."""

    reason = forms.CharField(
        label=_("Reason"), max_length=LONGEST_BECAUSE, widget=forms.Textarea(attrs={"rows": 3})
    )


class DecideForm(BecauseForm):
    """What the second person decides."""

    granted = forms.ChoiceField(
        label=_("Decision"),
        choices=[("yes", _("Grant: the participant may take part")), ("no", _("Decline"))],
        widget=forms.RadioSelect,
    )
    field_order = ("granted", "reason")


class VersionForm(PortalForm):
    """A version of the consent form that a site's ethics committee approved."""

    site: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        queryset=None, label=_("Site"), empty_label=None
    )
    version = forms.CharField(label=_("Version"), max_length=20)
    language = forms.ChoiceField(
        label=_("Language"), choices=[(Language.CHINESE, "中文"), (Language.ENGLISH, "English")]
    )
    valid_from = day_field(_("May be signed from"), required=True)
    approval = forms.CharField(
        label=_("Number of the ethics approval"), max_length=200, required=False
    )
    requires_reconsent = forms.BooleanField(
        label=_("Whoever signed an earlier version signs again"), required=False
    )
    reconsent_by = day_field(_("From this day nothing new is collected without it"), required=False)

    def __init__(self, *args: Any, sites: QuerySet[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ModelChoiceField[Any]", self.fields["site"]).queryset = sites

    @property
    def offer(self) -> Offer:
        """What a valid form declares."""
        told = self.cleaned_data
        return Offer(
            version=told["version"].strip(),
            language=Language(told["language"]),
            valid_from=told["valid_from"],
            valid_until=None,
            requires_reconsent=told["requires_reconsent"],
            reconsent_by=told["reconsent_by"],
        )
