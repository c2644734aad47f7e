"""Titles, rows and questions of the forms in both languages, for sentences that name them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from studyportal.clinical.rules.definitions import FORMS
from studyportal.clinical.rules.parts import FormDefinition, Rows


@lru_cache(maxsize=1)
def bilingual_forms() -> Mapping[str, str]:
    """How sentences call a form, with its participant before it or alone, its rows and questions: English to Chinese.

    Numbers and codes of participants stand as places in braces, as in a catalogue of sentences.
    """
    words: dict[str, str] = {}
    for form in FORMS.values():
        words |= {one.label.en: one.label.zh for one in form.fields}
    for form in FORMS.values():  # a form is meant where a question is called like it
        words |= _titles(form) | _rows(form)
    return words


def _titles(form: FormDefinition) -> dict[str, str]:
    number = " {occurrence}" if form.repeats else ""
    alone = {f"{form.title.en}{number}": f"{form.title.zh}{number}"}
    return alone | {f"{{participant}} {en}": f"{{participant}} {zh}" for en, zh in alone.items()}


def _rows(form: FormDefinition) -> dict[str, str]:
    # A station that is called by a number alone would be seen in every number of a sentence.
    words = {code.label.en: code.label.zh for code in form.units if not code.label.en.isdigit()}
    if form.rows is not Rows.ONE and not form.units:
        words[f"{form.row_label.en} {{number}}"] = f"{form.row_label.zh} {{number}}"
    return words
