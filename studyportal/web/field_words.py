"""What fields of the audit trail and their values are called, in both languages of the study.

Answers have the words of their form; the names of all other fields, and of the values that they choose from, stand in
tables beside this file, unless pages have words for them already. English is the name of the field or value where
the table says nothing else. Statuses have words of their own here: those of pages say what a person has to do and are
alike for several, while a trail must tell each from the next.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import get_language

from studyportal.clinical.rules import FORMS, Field, Label
from studyportal.web.conduct_words import (
    AGE_WORDS,
    DECLINE_WORDS,
    ROOM_WORDS,
    SCOPE_WORDS,
    WHY_WORDS,
)
from studyportal.web.query_words import FORM_WORDS
from studyportal.web.words import CONDITION_WORDS

_ABSENT = "_absent"  # ending of the field that says why an answer has no value
_WHY = Label("{en}: why there is no value", "{zh}：无值原因")

_WORDS_OF_PAGES: Mapping[str, Mapping[str, str | Promise]] = {
    "Declined.age_band": AGE_WORDS,
    "Declined.reason": DECLINE_WORDS,
    "Form.kind": FORM_WORDS,
    "ReferenceStandard.condition": CONDITION_WORDS,
    "Withdrawal.scope": SCOPE_WORDS,
    "Withdrawal.why": WHY_WORDS,
    "WithdrawalStep.room": ROOM_WORDS,
}


def field_word(field: models.Field[Any, Any]) -> str:
    """What a field is called in the language of the reader."""
    words, language = _words(field), get_language() or "en"
    return (words.said(language) if words else "") or str(field.verbose_name)


def value_word(field: models.Field[Any, Any], value: str) -> str | None:
    """What one of the values is called that the field chooses from; None for any other text."""
    if not field.choices:
        return None
    if answer := _answer(field):
        return answer.label_of(value).said(get_language() or "en")
    of = f"{field.model.__name__}.{field.name}"
    word = _WORDS_OF_PAGES.get(of, {}).get(value)
    return str(word) if word else status_word(value, of=of)


def status_word(value: str, *, of: str = "") -> str:
    """What a status is called; `of` names model and field where a word means something else there."""
    table = _table("value_words.csv")
    plain = value.replace("_", " ")
    words = table.get(f"{of}={value}") or table.get(value) or Label(plain, plain)
    return words.said(get_language() or "en") or plain


def _answer(field: models.Field[Any, Any]) -> Field | None:
    answers = _answers(getattr(field.model, "KIND", ""))
    return answers.get(field.name) or answers.get(field.name.removesuffix(_ABSENT))


def _words(field: models.Field[Any, Any]) -> Label | None:
    table = _table("field_words.csv")
    if own := table.get(f"{field.model.__name__}.{field.name}"):
        return own
    answer = _answer(field)
    if answer is None:
        return table.get(field.name)
    return (
        answer.label
        if field.name == answer.name
        else _WHY.filled(en=answer.label.en, zh=answer.label.zh)
    )


@cache
def _answers(kind: str) -> Mapping[str, Field]:
    definition = FORMS.get(kind)
    return {one.name: one for one in definition.fields} if definition else {}


@cache
def _table(name: str) -> Mapping[str, Label]:
    """Field or value, or with its model before it → its words; no English where its own name is good."""
    file = resources.files("studyportal.web") / name
    rows = csv.DictReader(file.read_text("utf-8").splitlines())
    key = (rows.fieldnames or [""])[0]
    return {row[key]: Label(row["en"], row["zh"]) for row in rows}
