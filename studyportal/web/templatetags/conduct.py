"""How templates write withdrawals and the screening log."""

from collections.abc import Mapping
from typing import Any

from django import template

from studyportal.web.conduct_words import SCOPE_WORDS

register = template.Library()


@register.filter
def word_at(words: Mapping[str, Any], key: str) -> Any:
    """Return what stands under a key that only the row knows; nothing where there is none."""
    return words.get(key, "")


@register.filter
def scope_word(scope: str) -> str:
    """Return how far somebody withdrew."""
    return str(SCOPE_WORDS[scope])
