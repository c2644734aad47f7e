"""A case report form as a page shows it: rows, fields, answers, and what is to be said at each field."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from studyportal.clinical.rules import (
    ABSENT_LABELS,
    FORMS,
    Absent,
    Change,
    Discrepancy,
    Field,
    FormDefinition,
    Found,
    Kind,
    Label,
    Rows,
    progress,
)
from studyportal.clinical.selectors import records_of, row_of
from studyportal.clinical.services import Conflict, Saved, findings_of, shown

if TYPE_CHECKING:
    from django.http import QueryDict

    from studyportal.clinical.models import Form

# So many answers stand side by side; more are a list to choose from.
_CHIPS = 4
_ABSENT_WORDS = frozenset(word.value for word in Absent)


def said(label: Label) -> str:
    """The words in the person's language."""
    return label.said(get_language() or "en")


@dataclass(frozen=True)
class Option:
    """One answer to choose."""

    value: str
    words: str
    chosen: bool


@dataclass
class FieldView:
    """One field of one row."""

    field: Field
    unit: str
    stands: str
    asked: bool
    findings: list[Found] = dataclasses.field(default_factory=list)
    conflict: Conflict | None = None
    typed: str | None = None
    settled: bool = False
    withheld: bool = False

    @property
    def key(self) -> str:
        """How the field is called in the page's names and ids."""
        return f"{self.unit or '-'}:{self.field.name}"

    @property
    def id(self) -> str:
        """The same without signs that selectors know."""
        return f"{self.unit or 'row'}-{self.field.name}"

    @property
    def computed(self) -> bool:
        """Whether it follows from the others; a template would call the field's own function."""
        return self.field.computed is not None

    @property
    def label(self) -> str:
        return said(self.field.label)

    @property
    def unit_word(self) -> str:
        return {"a": _("years"), "{pack}.a": ""}.get(self.field.unit, self.field.unit)

    @property
    def value(self) -> str:
        """What stands in the box, or what the person typed and is not kept."""
        text = self.typed if self.typed is not None else self.stands
        return "" if self.is_absent else text

    @property
    def is_absent(self) -> bool:
        text = self.typed if self.typed is not None else self.stands
        return bool(self.field.absent) and text in _ABSENT_WORDS

    @property
    def readable(self) -> str:
        """The answer in words, for forms that are not being filled in."""
        if self.withheld:
            return _("shown after the second entry")
        text = said(self.field.label_of(self.stands)) if self.stands else "–"
        return f"{text} {self.unit_word}".strip() if self.has_value else text

    @property
    def has_value(self) -> bool:
        return bool(self.stands) and self.stands not in _ABSENT_WORDS

    @property
    def options(self) -> list[Option]:
        """Answers of a choice; those that only tables hold, where they stand already."""
        text = self.typed if self.typed is not None else self.stands
        return [
            Option(code.value, said(code.label), code.value == text)
            for code in self.field.codes
            if not code.imported_only or code.value == text
        ]

    @property
    def chips(self) -> bool:
        return self.field.kind is Kind.CHOICE and len(self.options) <= _CHIPS

    @property
    def absent_options(self) -> list[Option]:
        return [
            Option(
                word.value, said(ABSENT_LABELS[word]), self.is_absent and word.value == self._text
            )
            for word in Absent
            if word in self.field.absent
        ]

    @property
    def _text(self) -> str:
        return self.typed if self.typed is not None else self.stands

    @property
    def asked_if(self) -> str:
        """On which answers of which field the question depends, for the script that shows and hides."""
        condition = self.field.asked_if
        if condition is None:
            return ""
        return f"{self.unit or '-'}:{condition.field}={','.join(sorted(condition.among))}"

    @property
    def messages(self) -> list[tuple[str, str]]:
        """Tone and sentence of each finding; a missing answer needs no sentence while the form is filled in."""
        tones = {"unreadable": "errored", "hard": "errored", "missing": "waiting"}
        return [
            (tones.get(one.nature, "needs-you"), said(one.text))
            for one in self.findings
            if one.nature != "missing"
        ]

    @property
    def missing(self) -> bool:
        return any(one.nature == "missing" for one in self.findings)

    @property
    def hint(self) -> str:
        """What can be typed."""
        if self.field.kind is Kind.DATE:
            return "2026-01-31"
        if self.field.kind is Kind.PARTIAL_DATE:
            return _("2026-01-31, 2026-01 or 2026")
        return ""

    @property
    def mode(self) -> str:
        """Which keyboard a tablet shows."""
        if self.field.kind in (Kind.WHOLE, Kind.DATE, Kind.PARTIAL_DATE):
            return "numeric"
        return "decimal" if self.field.kind is Kind.DECIMAL else "text"


@dataclass(frozen=True)
class RowView:
    """One row with its fields."""

    unit: str
    label: str
    fields: list[FieldView]


@dataclass(frozen=True)
class FormView:
    """The whole form."""

    form: Form
    definition: FormDefinition
    rows: list[RowView]
    answered: int
    asked: int
    findings: list[Found]

    @property
    def title(self) -> str:
        number = f" {self.form.occurrence}" if self.definition.repeats else ""
        return f"{said(self.definition.title)}{number}"

    @property
    def guide(self) -> str:
        return said(self.definition.guide)

    @property
    def as_table(self) -> bool:
        return self.definition.rows is Rows.NAMED

    @property
    def many(self) -> bool:
        return self.definition.rows is not Rows.ONE

    @property
    def row_word(self) -> str:
        return said(self.definition.row_label)

    @property
    def columns(self) -> list[str]:
        return [said(one.label) for one in self.definition.fields]

    @property
    def addable(self) -> list[tuple[str, str]]:
        """Rows that can be added: the rest of the list, or the next number."""
        known = {row.unit for row in self.rows}
        if self.definition.rows is Rows.NAMED:
            return [
                (code.value, said(code.label))
                for code in self.definition.units
                if code.value not in known
            ]
        following = str(max((int(unit) for unit in known), default=0) + 1)
        return [(following, said(self.definition.unit_label(following)))]

    @property
    def in_the_way(self) -> list[tuple[str, str]]:
        """Why the form cannot be completed yet: the id of the field and a sentence."""
        return [
            (f"{one.unit or 'row'}-{one.field}", self.sentence(one))
            for one in self.findings
            if one.stands_in_the_way
        ]

    def sentence(self, one: Found) -> str:
        """The finding with the row it is about."""
        if not one.unit:
            return said(one.text)
        return f"{said(self.definition.unit_label(one.unit))}: {said(one.text)}"


def view_of(form: Form) -> FormView:
    """Return the form as it stands, with everything that is to be said about it."""
    definition = FORMS[form.kind]
    records = records_of(form)
    findings = findings_of(form)
    rows, values = [], []
    for unit, record in records.items():
        row = row_of(record)
        values.append(row)
        fields = [
            FieldView(
                one,
                unit,
                shown(form, unit, record, one),
                one.is_asked(row),
                [f for f in findings if (f.unit, f.field) == (unit, one.name)],
            )
            for one in definition.fields
        ]
        rows.append(RowView(unit, said(definition.unit_label(unit)), fields))
    answered, asked = progress(definition, values)
    return FormView(form, definition, rows, answered, asked, findings)


def mark(view: FormView, saved: Saved) -> None:
    """Fields that somebody else changed meanwhile say so and keep what the person typed; kept ones are settled."""
    places = {(one.unit, one.field): one for one in saved.conflicts}
    settled = {(one.unit, one.field) for one in (*saved.kept, *saved.same)}
    settled |= {(unit, gone.name) for unit, gone in saved.emptied}
    for row in view.rows:
        for one in row.fields:
            one.conflict = places.get((one.unit, one.field.name))
            one.settled = (one.unit, one.field.name) in settled
            if one.conflict is not None:
                one.typed = one.conflict.mine


def changes_in(posted: QueryDict) -> list[Change]:
    """What a person changed: each field as it was shown and as it is now. Fields that were not sent are not changed."""
    found = []
    for name in posted:
        if not name.startswith("was:"):
            continue
        key = name.removeprefix("was:")
        was = posted.get(name, "")
        now = _typed(posted, key, was)
        if now is not None and now != was:
            unit, _sep, field_name = key.rpartition(":")
            found.append(Change("" if unit == "-" else unit, field_name, was, now))
    return found


def _typed(posted: QueryDict, key: str, was: str) -> str | None:
    """The text of the box, or the word chosen instead of it; where both are filled, the one that is new."""
    box, word = posted.get(f"now:{key}"), posted.get(f"absent:{key}", "")
    if box is None and not word:
        return None
    box = (box or "").strip()
    if not word:
        return box
    return box if box and word == was else word


@dataclass(frozen=True)
class DifferenceView:
    """One difference between two entries, in words."""

    key: str
    row: str
    label: str
    first: str
    second: str


def difference_view(definition: FormDefinition, one: Discrepancy) -> DifferenceView:
    """Return the difference as people read it."""
    words = [said(one.field.label_of(text)) if text else "–" for text in (one.first, one.second)]
    row = said(definition.unit_label(one.unit)) if one.unit else ""
    return DifferenceView(f"{one.unit or '-'}:{one.field.name}", row, said(one.field.label), *words)


def answers_in(posted: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Second answers by row and field."""
    found: dict[str, dict[str, str]] = {}
    for name in posted:
        if name.startswith(("now:", "absent:")):
            unit, _sep, field_name = name.partition(":")[2].rpartition(":")
            text = posted.get(f"now:{unit}:{field_name}", "").strip()
            word = posted.get(f"absent:{unit}:{field_name}", "")
            found.setdefault("" if unit == "-" else unit, {})[field_name] = text or word
    return found
