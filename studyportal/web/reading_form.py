"""The form of one case as the page of a reader shows it: questions, units, and what is answered so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from studyportal.clinical.rules import FORMS, Label
from studyportal.reading.rules import DISTANT_SITES, Lesions, Question, Scale, Showing, units_of
from studyportal.reading.rules import Opinion as Stated
from studyportal.reading.selectors import design_of, disputed_units
from studyportal.reading.services import drawn_lesions
from studyportal.reading.states import ReadKind
from studyportal.web.crf import said
from studyportal.web.reading_words import question_words

if TYPE_CHECKING:
    from studyportal.reading.models import Read

# Sites that a reader names otherwise than the form of distant sites does; all other words are that form's.
_OWN_SITES: Mapping[str, str | Promise] = {
    "pleura": _("Pleura or pericardium"),
    "distant_node": _("Distant lymph node"),
    "none": _("None"),
}
_FORM_SITES: Mapping[str, Label] = {code.value: code.label for code in FORMS["distant"].units}
_FIVE = tuple((str(n), str(n)) for n in range(1, 6))
_WORDS: Mapping[Scale, tuple[tuple[str, str | Promise], ...]] = {
    Scale.FIVE: _FIVE,
    Scale.YES_NO: (("yes", _("Yes")), ("no", _("No"))),
    Scale.ORIGIN: (("real", _("Real")), ("synthetic", _("Synthetic"))),
}
_SIDES = (("left", _("Left")), ("right", _("Right")))


@dataclass(frozen=True)
class Opinion:
    """What another reader said, under a letter that tells nobody."""

    letter: str
    words: str


@dataclass(frozen=True)
class Unit:
    """One unit of a question, with its field and what is answered."""

    name: str
    unit_id: str
    value: str
    indeterminate: bool
    choices: tuple[tuple[str, str | Promise, bool], ...]
    opinions: tuple[Opinion, ...]
    place: str


@dataclass(frozen=True)
class Asked:
    """One question in the reader's language, with its units."""

    id: str
    text: str
    unit: str
    scale: str
    indeterminate: bool
    units: tuple[Unit, ...]


@dataclass(frozen=True)
class Form:
    questions: tuple[Asked, ...]
    marks: tuple[tuple[int, str], ...]
    marking: bool


def form_of(read: Read) -> Form:
    """Every question of the read, of an adjudicator those that are disputed."""
    design = design_of(read.reader.session)
    lesions = drawn_lesions(read, read.draft)
    disputed = disputed_units(read) if read.kind == ReadKind.ADJUDICATION else None
    sides = design.showing == Showing.SIDE_BY_SIDE
    asked = []
    for question in design.questions:
        units = tuple(
            _unit(question, unit_id, read.draft, sides=sides, disputed=disputed, place=_place(question, unit_id, lesions))
            for unit_id in units_of(question, lesions)
            if disputed is None or (question.id, unit_id) in disputed
        )  # fmt: skip
        if units:
            may_pass = question.scale not in (Scale.ORIGIN, Scale.SITES)
            asked.append(
                Asked(
                    question.id,
                    question_words(question),
                    question.unit,
                    question.scale,
                    may_pass,
                    units,
                )
            )
    marking = design.lesions == Lesions.MARKED and disputed is None
    marks = tuple((number, _written(place)) for number, place in lesions.items())
    return Form(tuple(asked), marks if marking else (), marking)


def _unit(
    question: Question,
    unit_id: str,
    draft: Mapping[str, str],
    *,
    sides: bool,
    disputed: Mapping[tuple[str, str], tuple[Stated, ...]] | None,
    place: str,
) -> Unit:
    name = f"q.{question.id}.{unit_id}"
    value = draft.get(name, "")
    chosen = value.split(" ")
    words = _choices(question.scale, sides=sides)
    opinions = (disputed or {}).get((question.id, unit_id), ())
    return Unit(
        name=name,
        unit_id=unit_id,
        value=value,
        indeterminate=draft.get(f"i.{question.id}.{unit_id}") == "on",
        choices=tuple((key, word, key in chosen) for key, word in words),
        opinions=tuple(
            Opinion(chr(ord("A") + n), _said(question.scale, one)) for n, one in enumerate(opinions)
        ),
        place=place,
    )


def _choices(scale: Scale, *, sides: bool) -> tuple[tuple[str, str | Promise], ...]:
    if scale == Scale.SITES:
        return tuple((site, site_words(site)) for site in (*DISTANT_SITES, "none"))
    return _SIDES if sides and scale == Scale.ORIGIN else _WORDS.get(scale, ())


def site_words(site: str) -> str | Promise:
    """A distant site in the reader's language."""
    return _OWN_SITES.get(site) or said(_FORM_SITES[site])


def _said(scale: Scale, opinion: Stated) -> str:
    """What a reader answered, in words where the answer was one."""
    if opinion.score is None:
        return str(_("cannot judge"))
    if scale == Scale.YES_NO:
        return str(_("Yes") if opinion.score else _("No"))
    if scale == Scale.SITES:
        count = int(opinion.score)
        return ngettext("%(n)s site", "%(n)s sites", count) % {"n": count}
    return f"{opinion.score:g}"


def _place(
    question: Question, unit_id: str, lesions: Mapping[int, tuple[float, float, float]]
) -> str:
    if question.unit != "lesion":
        return ""
    return _written(lesions[int(unit_id)])


def _written(place: tuple[float, float, float]) -> str:
    return ",".join(f"{part:g}" for part in place)
