"""What was read, as plain rows: the hand-over to outcomes. Sealed until the session is closed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from evaluation.readers import VisualTuring
from studyportal.core.errors import Reason, Refused
from studyportal.participants.selectors import removed_ids
from studyportal.reading.models import Read, ReadCall, ReadingCase, ReadingSession
from studyportal.reading.rules import (
    Judged,
    Kind,
    Lesions,
    Opinion,
    Question,
    Scale,
    disagree,
    majority,
    turing_result,
)
from studyportal.reading.selectors.progress import standing_reads
from studyportal.reading.selectors.sessions import counted_cases, design_of, held_cases
from studyportal.reading.states import ReadKind, ReadStatus, SessionStatus

Unit = tuple[str, str]  # question, id of the unit


@dataclass(frozen=True)
class ScoreRow:
    """One answer of one reader, or of the consensus where `reader` is empty.

    `score` is None where the reader could not judge; `scale` is `1-5`, `0-100`, `yes_no`, `origin` or `sites`.
    """

    session: str
    arm: str
    reader: str
    reader_left: bool
    case: str
    participant: str
    site: str
    question: str
    condition: str
    unit: str
    unit_id: str
    scale: str
    score: float | None
    call: str
    indeterminate: bool
    detail: str
    place_mm: tuple[float, float, float] | None
    seconds: float
    submitted_at: datetime


@dataclass(frozen=True)
class LeftOut:
    """A case or reader that the rows lack in part, and why."""

    what: str
    name: str
    reason: str


@dataclass(frozen=True)
class Disputed:
    """A unit of a case in an arm on which the readers differ."""

    case_id: UUID
    arm_id: UUID
    question: str
    unit_id: str
    opinions: tuple[Opinion, ...]


def scores_of(session: ReadingSession) -> list[ScoreRow]:
    """Every counted answer of the independent reads, by arm, reader, case, question and unit.

    Practice, repeats and attention cases are not among them; of a corrected read the correction is. Cases that
    were taken out and participants who had their data removed are left out (`left_out_of` names them).

    Raises
    ------
    Refused
        While the session is open: nobody sees reads beside each other, or beside the reference, before.
    """
    _require_closed(session)
    return _rows(_standing(session, ReadKind.INDEPENDENT))


def consensus_of(session: ReadingSession) -> list[ScoreRow]:
    """The answers of the adjudicator where readers differed.

    Raises
    ------
    Refused
        While the session is open.
    """
    _require_closed(session)
    return _rows(_standing(session, ReadKind.ADJUDICATION))


def left_out_of(session: ReadingSession) -> list[LeftOut]:
    """What `scores_of` lacks: cases taken out or without an image, participants removed, readers who left midway."""
    cases = ReadingCase.objects.filter(session=session).select_related("pair__participant")
    removed = cases.filter(pair__participant__in=removed_ids()).count()
    found = [
        LeftOut("case", case.pair.participant.code, case.exclusion_reason)
        for case in cases.exclude(excluded_at=None).exclude(pair__participant__in=removed_ids())
    ]
    found += [LeftOut("case", case.pair.participant.code, why) for case, why in held_cases(session)]
    if removed:
        found.append(LeftOut("cases", str(removed), "The participants had their data removed."))
    readers = session.readers.exclude(withdrawn_at=None)
    return found + [LeftOut("reader", one.code, one.withdrawal_reason) for one in readers]


def disputed_in(session: ReadingSession) -> list[Disputed]:
    """Every unit on which the readers differ by the rule of the design, by case, arm and question.

    Lesions that readers marked themselves are not matched between readers; their other answers are.
    """
    design = design_of(session)
    asked = {
        question.id: question
        for question in design.questions
        if not (design.lesions == Lesions.MARKED and question.unit == "lesion")
    }
    opinions: dict[tuple[UUID, UUID, str, str], list[Opinion]] = defaultdict(list)
    for call in _calls(_standing(session, ReadKind.INDEPENDENT)):
        if call.question in asked:
            key = (call.read.case_id, call.read.arm_id, call.question, call.unit_id)
            opinions[key].append(_opinion(call))
    return [
        Disputed(case_id, arm_id, question, unit_id, tuple(found))
        for (case_id, arm_id, question, unit_id), found in sorted(opinions.items(), key=_order)
        if disagree(found, question=asked[question], score_gap=design.score_gap)
    ]


def disputed_units(read: Read) -> dict[Unit, tuple[Opinion, ...]]:
    """What an adjudicator has to settle in this read, with the opinions of the readers."""
    rows = disputed_in(read.reader.session)
    return {
        (row.question, row.unit_id): row.opinions
        for row in rows
        if (row.case_id, row.arm_id) == (read.case_id, read.arm_id)
    }


def settled_calls(session: ReadingSession) -> Mapping[tuple[str, str, str, str], str]:
    """(case, arm, question, unit) → the call that counts for the consensus: the adjudicator's, else the majority's.

    Raises
    ------
    Refused
        While the session is open.
    """
    found: dict[tuple[str, str, str, str], list[Opinion]] = defaultdict(list)
    for row in scores_of(session):
        key = (row.case, row.arm, row.question, row.unit_id)
        found[key].append(Opinion(row.reader, row.unit_id, row.call, row.score, row.indeterminate))
    settled = {key: majority(opinions) for key, opinions in found.items()}
    for row in consensus_of(session):
        settled[(row.case, row.arm, row.question, row.unit_id)] = row.call
    return settled


def turing_of(session: ReadingSession) -> VisualTuring | None:
    """What a closed visual Turing test found; None for another session, and when nothing was judged.

    Raises
    ------
    Refused
        While the session is open.
    """
    _require_closed(session)
    judged = judged_in(session)
    return turing_result(judged) if judged else None


def judged_in(session: ReadingSession) -> list[Judged]:
    """The answers of a visual Turing test; each image has its own label. Empty for another session."""
    design = design_of(session)
    if design.kind != Kind.TURING:
        return []
    origin = next(one.id for one in design.questions if one.scale == Scale.ORIGIN)
    return [
        Judged(
            reader=call.read.reader.code,
            image=f"{call.read.case_id}:{call.read.arm.code}",
            synthetic="synthetic" in design.arm(call.read.arm.code).shows,
            said_synthetic=None if call.score is None else call.score == 1.0,
        )
        for call in _calls(_standing(session, ReadKind.INDEPENDENT))
        if call.question == origin
    ]


def _require_closed(session: ReadingSession) -> None:
    if session.status != SessionStatus.CLOSED:
        sentence = "What was read is sealed until the reading session is closed."
        raise Refused(Reason("reads_sealed", sentence))


def _standing(session: ReadingSession, kind: ReadKind) -> list[Read]:
    rows = Read.objects.filter(
        reader__session=session, kind=kind, status=ReadStatus.SUBMITTED,
        case__in=counted_cases(session),
    )  # fmt: skip
    return standing_reads(list(rows))


def _calls(reads: Iterable[Read]) -> list[ReadCall]:
    rows = ReadCall.objects.filter(read__in=list(reads)).select_related(
        "read", "read__arm", "read__reader", "read__reader__session", "read__case",
        "read__case__pair__participant__site",
    )  # fmt: skip
    return list(
        rows.order_by("read__arm__place", "read__reader__code", "read__case_id", "question", "unit_id")
    )  # fmt: skip


def _rows(reads: list[Read]) -> list[ScoreRow]:
    calls = _calls(reads)
    if not calls:
        return []
    design = design_of(calls[0].read.reader.session)
    return [_row(call, design.question(call.question)) for call in calls]


def _row(call: ReadCall, question: Question) -> ScoreRow:
    read = call.read
    participant = read.case.pair.participant
    consensus = read.kind == ReadKind.ADJUDICATION
    place = call.place_mm
    return ScoreRow(
        session=read.reader.session.name,
        arm=read.arm.code,
        reader="" if consensus else read.reader.code,
        reader_left=read.reader.withdrawn_at is not None,
        case=str(read.case_id),
        participant=participant.code,
        site=participant.site.code,
        question=call.question,
        condition=question.condition,
        unit=call.unit,
        unit_id=call.unit_id,
        scale=question.scale,
        score=call.score,
        call=call.call,
        indeterminate=call.indeterminate,
        detail=call.detail,
        place_mm=None if place is None else (place[0], place[1], place[2]),
        seconds=read.seconds,
        submitted_at=read.submitted_at or read.started_at,  # type: ignore[arg-type]  # submitted
    )


def _opinion(call: ReadCall) -> Opinion:
    return Opinion(call.read.reader.code, call.unit_id, call.call, call.score, call.indeterminate)


def _order(entry: tuple[tuple[UUID, UUID, str, str], list[Opinion]]) -> tuple[str, ...]:
    return tuple(map(str, entry[0]))
