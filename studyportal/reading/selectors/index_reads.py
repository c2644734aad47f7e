"""Reads of closed sessions as scores of index tests: what outcomes takes over."""

from __future__ import annotations

from dataclasses import dataclass, replace

from studyportal.reading.models import ReadingSession
from studyportal.reading.rules import Kind, Question, Scale
from studyportal.reading.selectors.scores import ScoreRow, scores_of
from studyportal.reading.selectors.sessions import closed_sessions, design_of


@dataclass(frozen=True)
class IndexRead:
    """One score of one reader for one unit in one arm; None where the reader could not judge.

    `reader` names the session too: codes of readers are given anew in each. It holds no colon, which parts the test
    from its reader in the rows of results.
    """

    participant: str
    site: str
    arm: str
    reader: str
    condition: str
    unit: str
    unit_id: str
    score: float | None
    indeterminate: bool


def index_reads() -> list[IndexRead]:
    """Every counted answer that the design of its session makes the score of an index test, of closed sessions.

    Answers by yes and no count as the design says. A visual Turing test is none. `left_out_of` names what a
    session lacks.
    """
    return [read for session in closed_sessions() for read in _of_session(session)]


def index_rows(session: ReadingSession) -> list[ScoreRow]:
    """Those rows of `scores_of` that are scores of an index test, with the arm and the score that count there.

    Raises
    ------
    Refused
        While the session is open.
    """
    design = design_of(session)
    asked = {one.id: one for one in design.questions if one.index}
    rows = scores_of(session) if design.kind == Kind.DIAGNOSTIC else []
    return [
        replace(
            row,
            arm=asked[row.question].arm_of_test(row.arm),
            score=_score(asked[row.question], row.score),
        )
        for row in rows
        if row.question in asked
    ]


def _of_session(session: ReadingSession) -> list[IndexRead]:
    return [
        IndexRead(
            row.participant, row.site, row.arm, f"{row.reader} ({session.name.replace(':', ' ')})", row.condition,
            row.unit, row.unit_id, row.score, row.indeterminate,
        )
        for row in index_rows(session)
    ]  # fmt: skip


def _score(question: Question, score: float | None) -> float | None:
    if score is None or question.scale != Scale.YES_NO:
        return score
    return question.yes if score else question.no
