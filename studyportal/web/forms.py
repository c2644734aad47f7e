"""Forms: they read what a person typed. What it means is judged by the rooms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, cast

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from studyportal.core.errors import Refused
from studyportal.core.language import said
from studyportal.participants.rules import Answer, Language, ScreeningFacts, Sex
from studyportal.protocol.rules import Criterion, Protocol
from synthesis.registry import LARGEST_ARCHIVE

ANSWERS = (
    (Answer.MET, _("met")),
    (Answer.NOT_MET, _("not met")),
    (Answer.UNKNOWN, _("unknown")),
)
_CLASSES: Mapping[type, str] = {
    forms.Select: "form-select",
    forms.CheckboxInput: "form-check-input",
    forms.RadioSelect: "",
    forms.CheckboxSelectMultiple: "",
}


class PortalForm(forms.Form):
    """A form whose fields look alike and which shows a refusal at the field it speaks of."""

    required_css_class = "field--required"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        for field in self.fields.values():
            css = _CLASSES.get(type(field.widget), "form-control")
            if css:
                field.widget.attrs.setdefault("class", css)

    def take(self, refusal: Refused) -> None:
        """Every reason of the refusal stands at its field, or above the form."""
        for reason in refusal.reasons:
            place = reason.where if reason.where in self.fields else None
            self.add_error(place, said(reason.sentence))


def day_field(label: Any, *, required: bool) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, required=required, widget=widget)


def consent_language() -> forms.ChoiceField:
    """In which language the form was that the participant signed."""
    return forms.ChoiceField(
        label=_("Language of the consent form"),
        choices=[("", "–"), (Language.CHINESE, "中文"), (Language.ENGLISH, "English")],
        required=False,
        widget=forms.Select(attrs={"class": "form-select"}),
    )


class CriteriaForm(PortalForm):
    """Answers to the criteria that are settled at screening, with the consent they rest on."""

    def __init__(
        self, *args: Any, protocol: Protocol, declared: Iterable[str] = (), **kwargs: Any
    ) -> None:
        self.protocol = protocol
        super().__init__(*args, **kwargs)
        known = dict.fromkeys((*protocol.consent_versions, *declared))
        versions = [(version, version) for version in known]
        self.fields["consent_date"] = day_field(_("Date of consent"), required=False)
        self.fields["consent_version"] = forms.ChoiceField(
            label=_("Version of the consent form"),
            choices=[("", "–"), *versions],
            required=False,
            widget=forms.Select(attrs={"class": "form-select"}),
        )
        self.fields["consent_language"] = consent_language()
        self.fields["consent_date"].widget.attrs["class"] = "form-control"
        for criterion in self.at_screening:
            self.fields[criterion.code] = forms.ChoiceField(
                label=said(criterion.text),
                choices=ANSWERS,
                initial=Answer.UNKNOWN,
                widget=forms.RadioSelect,
                error_messages={"required": _("Choose an answer.")},
            )

    @property
    def at_screening(self) -> list[Criterion]:
        """Criteria that a coordinator answers."""
        return [c for c in self.protocol.criteria if c.settled_by == "screening"]

    @property
    def cards(self) -> list[tuple[Criterion, Any]]:
        """Every criterion with its field, or None where it settles later."""
        return [
            (c, self[c.code] if c.code in self.fields else None) for c in self.protocol.criteria
        ]

    def read(self, name: str, otherwise: Any = None) -> Any:
        """What was typed into a field, where it can be read."""
        value = getattr(self, "cleaned_data", {}).get(name)
        return otherwise if value in (None, "") else value

    @property
    def answers(self) -> Mapping[str, Answer]:
        """Answers by criterion, as far as they can be read."""
        return {c.code: Answer(self.read(c.code, Answer.UNKNOWN)) for c in self.at_screening}


class ScreeningForm(CriteriaForm):
    """Everything that is established at screening."""

    site: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        queryset=None, label=_("Site"), empty_label=None
    )
    sex = forms.ChoiceField(
        label=_("Sex"),
        choices=[(Sex.FEMALE, _("female")), (Sex.MALE, _("male"))],
        widget=forms.RadioSelect,
    )
    age_years = forms.IntegerField(
        label=_("Age in years"), widget=forms.NumberInput(attrs={"inputmode": "numeric"})
    )
    screening_date = day_field(_("Date of screening"), required=True)
    another_person = forms.BooleanField(
        label=_("This is another person"),
        required=False,
        widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
    )
    submission = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, sites: QuerySet[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ModelChoiceField[Any]", self.fields["site"]).queryset = sites

    def facts(self, *, today: date) -> ScreeningFacts:
        """What was typed, as far as it can be read."""
        site = self.read("site")
        return ScreeningFacts(
            site_code=site.code if site else "",
            sex=self.read("sex", ""),
            age_years=self.read("age_years"),
            screening_date=self.read("screening_date", today),
            consent_date=self.read("consent_date"),
            consent_version=self.read("consent_version", ""),
            consent_language=self.read("consent_language", ""),
            answers=self.answers,
        )


class ReasonForm(PortalForm):
    """A reason in words, kept in the audit trail."""

    reason = forms.CharField(
        label=_("Reason"), max_length=2000, widget=forms.Textarea(attrs={"rows": 2})
    )


class ArtefactsForm(ReasonForm):
    """What a person saw who looked at the images."""

    artefacts = forms.ChoiceField(
        label=_("The images"),
        choices=[
            ("no", _("are free of excluding artefacts")),
            ("yes", _("have excluding artefacts")),
        ],
        widget=forms.RadioSelect,
    )
    field_order = ("artefacts", "reason")


class SynthesisForm(PortalForm):
    """Which model makes the synthetic PET."""

    release: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        queryset=None, label=_("Model release"), empty_label=None
    )
    seed = forms.IntegerField(label=_("Seed"), min_value=0, max_value=2**31 - 1, initial=0)

    def __init__(self, *args: Any, releases: QuerySet[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ModelChoiceField[Any]", self.fields["release"]).queryset = releases


class ReleaseForm(PortalForm):
    """A release that was made elsewhere."""

    archive = forms.FileField(
        label=_("Release as one zip"),
        help_text=_(
            "release.toml, model.safetensors and MODEL_CARD.md, or a bundle that was written here. "
            "Every digest is verified; nothing in it is run."
        ),
        widget=forms.FileInput(attrs={"accept": ".zip,application/zip"}),
    )

    def clean_archive(self) -> Any:
        """Refuse what is larger than any release before it is looked at."""
        sent = self.cleaned_data["archive"]
        if sent.size > LARGEST_ARCHIVE:
            megabytes = LARGEST_ARCHIVE >> 20
            raise forms.ValidationError(
                _("At most %(megabytes)s MiB are taken.") % {"megabytes": megabytes}
            )
        return sent


class PrimaryReleaseForm(ReasonForm):
    """With which seed, and why, a release is the one of the primary analysis."""

    seed = forms.IntegerField(label=_("Seed"), min_value=0, max_value=2**31 - 1, initial=0)
    field_order = ("seed", "reason")


class FreezeForm(PortalForm):
    """What a data cut speaks of."""

    name = forms.CharField(label=_("Name of the cut"), max_length=80)
    release: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        queryset=None, label=_("Model release"), empty_label=None
    )
    exploratory = forms.BooleanField(
        label=_("Exploratory: any release, and no result counts as primary"), required=False
    )
    plan = forms.CharField(
        label=_("Analysis plan"),
        widget=forms.Textarea(
            attrs={"rows": 14, "class": "form-control code", "spellcheck": "false"}
        ),
        help_text=_("The packaged plan of the protocol; paste another one to use that instead."),
    )

    def __init__(self, *args: Any, releases: QuerySet[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ModelChoiceField[Any]", self.fields["release"]).queryset = releases


class CompareForm(PortalForm):
    """Which releases are compared on a cut."""

    releases: forms.MultipleChoiceField = forms.MultipleChoiceField(
        label=_("Model releases"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose two or more releases.")},
    )

    def __init__(self, *args: Any, choices: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.MultipleChoiceField", self.fields["releases"]).choices = choices
