"""The forms of data queries."""

from django import forms
from django.utils.translation import gettext_lazy as _

from studyportal.core.language import said_lazy
from studyportal.queries.rules import ASKED_ROLES, LONGEST_TEXT, Act, Asked
from studyportal.sites.rules import ROLE_NAMES, Role
from studyportal.web.forms import PortalForm
from studyportal.web.query_words import ACT_HELP, ACT_WORDS, FORM_WORDS


class AskForm(PortalForm):
    """A question to the site about one form of a participant."""

    form = forms.ChoiceField(label=_("About"), choices=list(FORM_WORDS.items()))
    field = forms.CharField(
        label=_("Field"),
        max_length=60,
        required=False,
        help_text=_("As it stands on the form, for example EXC-02. Empty for the whole form."),
    )
    assigned_to = forms.ChoiceField(
        label=_("Whom to ask"),
        choices=[(role.value, said_lazy(ROLE_NAMES[role])) for role in ASKED_ROLES],
    )
    text = forms.CharField(
        label=_("What should be mended or explained"),
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    @property
    def asked(self) -> Asked:
        """What the valid form asks."""
        told = self.cleaned_data
        return Asked(told["field"], told["text"], assigned_to=Role(told["assigned_to"]))


class ActForm(PortalForm):
    """The text with which a person answers, closes or reopens a query."""

    def __init__(self, *args: object, act: Act, **kwargs: object) -> None:
        self.act = act
        label, self.button, _said = ACT_WORDS[act]
        super().__init__(*args, auto_id=f"{act}-%s", **kwargs)
        self.fields["text"] = forms.CharField(
            label=str(label),
            help_text=str(ACT_HELP[act]),
            max_length=LONGEST_TEXT,
            widget=forms.Textarea(attrs={"rows": 3, "class": "form-control"}),
        )
