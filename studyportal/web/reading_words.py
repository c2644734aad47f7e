"""Arms and questions of a reading session in the reader's language, and the rows of its results that name them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from studyportal.core.language import reads_chinese
from studyportal.reading.states import Layer

if TYPE_CHECKING:
    from studyportal.reading.rules import ArmPlan, Question
    from studyportal.reading.selectors import QuestionResult, ReaderResult, SessionResults

_LAYERS: Mapping[Layer, str | Promise] = {
    Layer.CT: _("CT"),
    Layer.PET: _("PET"),
    Layer.SYNTHETIC: _("synthetic PET"),
}


@dataclass(frozen=True)
class QuestionRow:
    """One question of the results, with its words and those of its arm; empty over all arms."""

    arm: str
    question: str
    result: QuestionResult


@dataclass(frozen=True)
class ReaderRow:
    arm: str
    result: ReaderResult


def arm_words(arm: ArmPlan) -> str:
    """What is seen in the arm: “CT + synthetic PET”."""
    return " + ".join(str(_LAYERS[layer]) for layer in arm.shows)


def question_words(question: Question) -> str:
    """The question as the reader was asked it."""
    return question.text_zh if reads_chinese() else question.text


def question_rows(results: SessionResults) -> Iterable[QuestionRow]:
    return [
        QuestionRow(arm_words(row.arm) if row.arm else "", question_words(row.question), row)
        for row in results.questions
    ]


def reader_rows(results: SessionResults) -> Iterable[ReaderRow]:
    return [ReaderRow(arm_words(row.arm) if row.arm else "", row) for row in results.readers]
