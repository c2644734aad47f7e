"""What fields of the audit trail are called, in both languages of the study.

Answers have the words of their form; the names of all other fields stand in a table beside this file. English is the
name of the field where the table says nothing else.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from django.db import models
from django.utils.translation import get_language

from studyportal.clinical.rules import FORMS, Label

_ABSENT = "_absent"  # ending of the field that says why an answer has no value
_WHY = Label("{field}: why there is no value", "{field}：无值原因")


def field_word(field: models.Field[Any, Any]) -> str:
    """What a field is called in the language of the reader."""
    words, language = _words(field), get_language() or "en"
    return (words.said(language) if words else "") or str(field.verbose_name)


def _words(field: models.Field[Any, Any]) -> Label | None:
    if own := _table().get(f"{field.model.__name__}.{field.name}"):
        return own
    answers = _answers(getattr(field.model, "KIND", ""))
    if field.name in answers:
        return answers[field.name]
    if answer := answers.get(field.name.removesuffix(_ABSENT)):
        return Label(_WHY.en.format(field=answer.en), _WHY.zh.format(field=answer.zh))
    return _table().get(field.name)


@cache
def _answers(kind: str) -> Mapping[str, Label]:
    definition = FORMS.get(kind)
    return {one.name: one.label for one in definition.fields} if definition else {}


@cache
def _table() -> Mapping[str, Label]:
    """Field, or model and field → its words; no English where the name of the field is good."""
    file = resources.files("studyportal.web") / "field_words.csv"
    rows = csv.DictReader(file.read_text("utf-8").splitlines())
    return {row["field"]: Label(row["en"], row["zh"]) for row in rows}
