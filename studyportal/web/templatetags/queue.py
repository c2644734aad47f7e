"""How templates write stages, causes and spans of synthesis jobs."""

from typing import Any

from django import template

from studyportal.web.queue_words import CAUSES, stage_words
from studyportal.web.templatetags.portal import duration

register = template.Library()


@register.filter
def stage(name: str) -> str:
    """Return a stage as people read it."""
    return stage_words(name)


@register.filter
def cause(name: str) -> str:
    """Return what ended an attempt, in words."""
    return str(CAUSES.get(name, name))


@register.filter
def span(attempt: Any) -> str:
    """Return how long an attempt took; a dash while it runs."""
    return duration(attempt.ended_at - attempt.began_at if attempt.ended_at else None)
