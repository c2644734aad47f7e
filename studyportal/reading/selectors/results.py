"""A closed session in figures: by arm and question, by reader, and what each reader may know of the own answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from evaluation.readers import ReaderDiscrimination
from studyportal.reading.models import ReadingSession, SessionReader
from studyportal.reading.rules import (
    NEGATIVE,
    POSITIVE,
    ArmPlan,
    Kind,
    Opinion,
    Question,
    ReadersAgree,
    readers_agree,
)
from studyportal.reading.selectors.scores import (
    ScoreRow,
    consensus_of,
    disputed_in,
    scores_of,
    turing_of,
)
from studyportal.reading.selectors.sessions import arms_of, design_of
from studyportal.reading.states import ReaderPart, SessionStatus
from studyportal.sites.rules import Action
from studyportal.sites.selectors import Person, may

_CALLED = frozenset({NEGATIVE, POSITIVE})


@dataclass(frozen=True)
class QuestionResult:
    """One question in one arm: answers of all readers, their agreement, what was disputed and settled.

    Over all arms together `arm` is None, and so is `positive`: how many were called is an outcome.
    """

    arm: ArmPlan | None
    question: Question
    readers: int
    answers: int
    positive: int | None
    indeterminate: int
    agreement: ReadersAgree
    disputed: int
    settled: int

    @property
    def called(self) -> bool:
        """Whether answers are calls, positive or negative; image quality and confidence are none."""
        return self.question.condition != ""


@dataclass(frozen=True)
class ReaderResult:
    """One reader in one arm; in all arms together `arm` is None."""

    arm: ArmPlan | None
    reader: str
    left: bool
    cases: int
    answers: int
    indeterminate: int


@dataclass(frozen=True)
class SessionResults:
    questions: tuple[QuestionResult, ...]
    readers: tuple[ReaderResult, ...]


@dataclass(frozen=True)
class OwnFeedback:
    """How well a reader told synthetic images from real ones, in a visual Turing test that is closed."""

    session: str
    own: ReaderDiscrimination


def results_of(session: ReadingSession, *, by_arm: bool) -> SessionResults:
    """Answers by question and by reader, with the agreement between readers: in each arm, or over all of them.

    Raises
    ------
    Refused
        While the session is open.
    """
    rows, settled = scores_of(session), consensus_of(session)
    codes = {arm.pk: arm.code for arm in arms_of(session)}
    disputed = {
        (codes[one.arm_id], one.question, str(one.case_id), one.unit_id)
        for one in disputed_in(session)
    }
    arms: list[ArmPlan | None] = [*design_of(session).arms] if by_arm else [None]
    return SessionResults(
        tuple(_question_results(session, rows, settled, disputed=disputed, arms=arms)),
        tuple(_reader_results(rows, arms)),
    )


def own_feedback(user: Person) -> list[OwnFeedback]:
    """The own accuracy in each closed visual Turing test in which the person read to the end."""
    if not user.is_authenticated or not may(user, Action.READ_CASES):
        return []
    parts = SessionReader.objects.filter(
        person=user, part=ReaderPart.READER, withdrawn_at=None, session__status=SessionStatus.CLOSED
    ).select_related("session")
    found = []
    for part in parts.order_by("session__closed_at"):
        result = turing_of(part.session) if design_of(part.session).kind == Kind.TURING else None
        found += [
            OwnFeedback(part.session.name, one)
            for one in (result.readers if result else ())
            if one.reader == part.code
        ]
    return found


Place = tuple[str, str, str, str]  # arm, question, case, unit


def _question_results(
    session: ReadingSession,
    rows: list[ScoreRow],
    settled: list[ScoreRow],
    *,
    disputed: set[Place],
    arms: Iterable[ArmPlan | None],
) -> Iterable[QuestionResult]:
    decided = {_place(row) for row in settled if row.call in _CALLED or row.score is not None}
    design = design_of(session)
    for arm in arms:
        for question in design.questions:
            own = [row for row in _in(arm, rows) if row.question == question.id]
            here = {
                one
                for one in disputed
                if one[1] == question.id and (arm is None or one[0] == arm.code)
            }
            yield _question_result(arm, question, own, disputed=here, decided=decided)


def _in(arm: ArmPlan | None, rows: Iterable[ScoreRow]) -> list[ScoreRow]:
    return [row for row in rows if arm is None or row.arm == arm.code]


def _question_result(
    arm: ArmPlan | None,
    question: Question,
    rows: list[ScoreRow],
    *,
    disputed: set[Place],
    decided: set[Place],
) -> QuestionResult:
    opinions: dict[Place, list[Opinion]] = defaultdict(list)
    for row in rows:
        opinions[_place(row)].append(
            Opinion(row.reader, row.unit_id, row.call, row.score, row.indeterminate)
        )
    readers = len({row.reader for row in rows})
    return QuestionResult(
        arm=arm,
        question=question,
        readers=readers,
        answers=len(rows),
        positive=sum(row.call == POSITIVE for row in rows) if arm else None,
        indeterminate=sum(row.indeterminate for row in rows),
        agreement=readers_agree(list(opinions.values()), readers=readers),
        disputed=len(disputed),
        settled=len(disputed & decided),
    )


def _reader_results(rows: list[ScoreRow], arms: Iterable[ArmPlan | None]) -> Iterable[ReaderResult]:
    for arm in arms:
        of_reader: dict[str, list[ScoreRow]] = defaultdict(list)
        for row in _in(arm, rows):
            of_reader[row.reader].append(row)
        for reader, own in sorted(of_reader.items()):
            yield ReaderResult(
                arm=arm,
                reader=reader,
                left=own[0].reader_left,
                cases=len({row.case for row in own}),
                answers=len(own),
                indeterminate=sum(row.indeterminate for row in own),
            )


def _place(row: ScoreRow) -> Place:
    return row.arm, row.question, row.case, row.unit_id
