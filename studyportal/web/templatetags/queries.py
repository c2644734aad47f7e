"""How templates write the parts of a data query."""

from django import template

from studyportal.queries.states import MessageKind
from studyportal.web.query_words import FIELD_WORDS, FORM_WORDS, MESSAGE_WORDS

register = template.Library()


@register.filter
def form_word(form: str) -> str:
    """Return what people call the form; a form without a word keeps its name."""
    return str(FORM_WORDS.get(form) or form.replace("_", " "))


@register.filter
def field_word(field: str) -> str:
    """Return what people call the field; criteria and fields without a word keep their name."""
    return str(FIELD_WORDS.get(field) or field)


@register.filter
def message_word(kind: str) -> str:
    """Return what a message did."""
    return str(MESSAGE_WORDS[MessageKind(kind)])
