"""Data queries as people read them: forms, fields, ages, and what each message did."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from studyportal.queries.rules import Act, AgeBand
from studyportal.queries.states import MessageKind

# Forms a person can ask about; rules use the same keys.
FORM_WORDS: Mapping[str, str | Promise] = {
    "images": _("Images"),
    "screening": _("Screening"),
    "consent": _("Consent"),
    "reference": _("Reference standard"),
    "baseline": _("Baseline"),
    "lesions": _("Lesions"),
    "pathology": _("Pathology"),
    "nodes": _("Nodal stations"),
    "distant": _("Distant sites"),
    "staging": _("Staging"),
    "conclusion": _("Conclusion"),
    "treatment": _("Treatment"),
    "follow_up": _("Follow-up"),
}
FIELD_WORDS: Mapping[str, str | Promise] = {
    "source": _("CT"),
    "reference": _("PET"),
    "outlines": _("Outlines"),
    "pair": _("CT and PET together"),
    "arrival": _("Inbox"),
    "eligibility": _("Eligibility"),
}
AGE_WORDS: Mapping[AgeBand, str | Promise] = {
    AgeBand.WEEK: _("up to 7 days"),
    AgeBand.FORTNIGHT: _("8 to 14 days"),
    AgeBand.MONTH: _("15 to 30 days"),
    AgeBand.OLDER: _("over 30 days"),
}
STATE_CHOICES: Mapping[str, str | Promise] = {
    "": _("not closed"),
    "mine": _("waiting for me"),
    "open": _("open"),
    "answered": _("answered"),
    "closed": _("closed"),
    "all": _("all"),
}
MESSAGE_WORDS: Mapping[MessageKind, str | Promise] = {
    MessageKind.ASKED: _("asked"),
    MessageKind.FOUND_AGAIN: _("found it again"),
    MessageKind.ANSWERED: _("answered"),
    MessageKind.REOPENED: _("asked again"),
    MessageKind.CLOSED: _("closed it"),
}
# For each act: what the text is, its button, and what is said afterwards.
ACT_WORDS: Mapping[Act, tuple[str | Promise, str | Promise, str | Promise]] = {
    Act.ANSWER: (_("Your answer"), _("Answer"), _("Your answer is kept.")),
    Act.CLOSE: (_("Why it can be closed"), _("Close"), _("The query is closed.")),
    Act.REOPEN: (_("What is still open"), _("Ask again"), _("The site is asked again.")),
}
ACT_HELP: Mapping[Act, str | Promise] = {
    Act.ANSWER: _(
        "Say what you found or mended. Images are mended by sending them again; the query then closes itself."
    ),
    Act.CLOSE: _("The reason stays with the query."),
    Act.REOPEN: _("The site reads this with its earlier answer."),
}
