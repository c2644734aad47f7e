"""A case is begun, its draft kept while it is read, submitted for good, and opened again only with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction

from studyportal.core import clock
from studyportal.core.errors import Reason, Refused, StaleState, refuse_if
from studyportal.core.models import User
from studyportal.core.services import advance, begin, record
from studyportal.reading.models import Read, ReadCall, ReadingSession
from studyportal.reading.rules import (
    Answers,
    Place,
    lesions_of,
    read_answers,
    readable_draft,
    seconds_between,
)
from studyportal.reading.selectors import (
    design_of,
    disputed_units,
    may_be_shown,
    next_reads,
    reads_of_session,
    washout_ends,
)
from studyportal.reading.services.guarding import (
    require_open,
    require_own,
    require_reason,
    require_running,
)
from studyportal.reading.services.opening import new_code
from studyportal.reading.states import READ, ReadKind, ReadStatus, SessionStatus


@dataclass(frozen=True)
class Kept:
    """A draft that was kept: its version, which the page sends with its next one."""

    version: int


class OtherTab(StaleState):
    """The case was changed in another tab or on another device; carries what is kept there."""

    def __init__(self, read: Read) -> None:
        self.version, self.draft = read.draft_version, read.draft
        sentence = "This case was changed in another window. Nothing of yours is lost; choose which answers count."
        super().__init__(Reason("other_window", sentence))


@transaction.atomic
def start_read(*, read: Read, by: User) -> Read:
    """The case is being read, and its time runs; begun already, it goes on.

    Raises
    ------
    Refused
        When it is not this case's turn yet: another comes first, or the wash-out is not over.
    """
    require_own(read, by)
    require_open(read.reader.session)
    if read.status == ReadStatus.SUBMITTED:
        raise Refused(Reason("read_submitted", "This case was submitted and is locked."))
    if read.status == ReadStatus.IN_PROGRESS:
        return read
    ends = washout_ends(read)
    if ends is not None:
        sentence = f"This case can be read again from {ends:%Y-%m-%d} on."
        raise Refused(Reason("washout", sentence))
    if read.pk not in {row.pk for row in next_reads(read.reader, count=1)}:
        raise Refused(Reason("not_its_turn", "Another case comes first."))
    moment = clock.now()
    advance(read, READ, ReadStatus.IN_PROGRESS, by=by, started_at=moment, seen_at=moment)
    return read


def save_draft(*, read: Read, fields: Mapping[str, str], based_on: int, by: User) -> Kept:
    """The draft is kept as it was sent, and the time of the case goes on.

    Raises
    ------
    OtherTab
        When another window has changed it since; nothing is overwritten.
    """
    require_own(read, by)
    require_open(read.reader.session)
    draft = readable_draft(fields)
    version = based_on + 1
    if draft == read.draft and based_on == read.draft_version:
        version = based_on
    rows = Read.objects.filter(pk=read.pk, status=ReadStatus.IN_PROGRESS, draft_version=based_on)
    changed = rows.update(draft=draft, draft_version=version, **_time(read))
    if not changed:
        _refuse_stale(read)
    return Kept(version)


def keep_time(*, read: Read, by: User) -> None:
    """The time of the case goes on; the page says so while it is looked at."""
    require_own(read, by)
    Read.objects.filter(pk=read.pk, status=ReadStatus.IN_PROGRESS).update(**_time(read))


@transaction.atomic
def submit_read(*, read: Read, fields: Mapping[str, str], based_on: int, by: User) -> Read:
    """The read is submitted and locked. Sent again with the same answers, as after a lost connection, it stays so.

    Raises
    ------
    OtherTab
        When another window has changed the draft since.
    Refused
        With every question that has no answer, or one that is not on its scale.
    """
    require_own(read, by)
    draft = readable_draft(fields)
    locked = Read.objects.select_for_update(of=("self",)).select_related(
        "case", "arm", "reader", "reader__session", "reader__person"
    ).get(pk=read.pk)  # fmt: skip
    if locked.status == ReadStatus.SUBMITTED and locked.draft == draft:
        return locked
    require_open(locked.reader.session)
    if locked.status != ReadStatus.IN_PROGRESS or locked.draft_version != based_on:
        _refuse_stale(locked)
    if not may_be_shown(locked):
        raise Refused(Reason("not_its_turn", "Another case comes first."))
    answers = answers_of(locked, draft)
    refuse_if(answers.reasons)
    _calls(locked, answers)
    time = _time(locked)
    advance(
        locked, READ, ReadStatus.SUBMITTED, by=by, draft=draft, draft_version=based_on + 1,
        submitted_at=clock.now(), seconds=time["seconds"], seen_at=time["seen_at"],
    )  # fmt: skip
    sentence = f"Case {locked.code} of reading session {locked.reader.session} was submitted."
    record("submit_read", locked, sentence, by=by)
    return locked


@transaction.atomic
def reopen_read(*, read: Read, reason: str, by: User) -> Read:
    """A new read of the same case begins with the answers given; the submitted one stays as it is.

    Raises
    ------
    Refused
        Without a reason, when the read is not submitted or is being corrected already, or after the stage ended.
    """
    if read.reader.person_id == by.pk:
        require_own(read, by)
    else:
        require_running(by)
    words = require_reason(reason)
    _refuse_reopening(read)
    moment = clock.now()
    row = Read.objects.create(
        reader=read.reader, case=read.case, arm=read.arm, status=ReadStatus.ASSIGNED,
        kind=read.kind, code=new_code(), period=read.period, block=read.block, place=read.place,
        corrects=read, correction_reason=words, draft=read.draft,
    )  # fmt: skip
    begin(row, READ, by=by, reason=words)
    advance(row, READ, ReadStatus.IN_PROGRESS, by=by, reason=words, started_at=moment)
    sentence = (
        f"Case {read.code} of reading session {read.reader.session} was opened again as {row.code}."
    )
    record("reopen_read", row, sentence, by=by, reason=words)
    return row


def reopen_for_reader(*, session: ReadingSession, code: str, reason: str, by: User) -> Read:
    """The case that a reader named by its code is open to that reader again, as `reopen_read` opens it.

    Raises
    ------
    Refused
        When the session has no such case, and wherever `reopen_read` refuses.
    """
    require_running(by)
    read = reads_of_session(session).filter(code=code.strip().upper()).first()
    if read is None:
        sentence = "This session has no case with this code."
        raise Refused(Reason("no_such_case", sentence, "code"))
    return reopen_read(read=read, reason=reason, by=by)


def answers_of(read: Read, draft: Mapping[str, str]) -> Answers:
    """The calls of a draft and what it lacks; of an adjudicator only what is disputed is asked."""
    design = design_of(read.reader.session)
    answers = read_answers(design, draft, numbered_lesions(read))
    if read.kind != ReadKind.ADJUDICATION:
        return answers
    asked = set(disputed_units(read))
    where = {f"q.{question}.{unit_id}" for question, unit_id in asked}
    return Answers(
        tuple(call for call in answers.calls if (call.question, call.unit_id) in asked),
        tuple(reason for reason in answers.reasons if reason.where in where),
    )


def numbered_lesions(read: Read) -> dict[int, Place]:
    """The lesions that are numbered on the images of this read's case."""
    return {
        int(number): (place[0], place[1], place[2])
        for number, place in sorted(read.case.lesions.items(), key=lambda entry: int(entry[0]))
    }


def drawn_lesions(read: Read, draft: Mapping[str, str]) -> dict[int, Place]:
    """The lesions of this read as its design has them: numbered, or marked so far."""
    return lesions_of(design_of(read.reader.session), draft, numbered_lesions(read))


def _time(read: Read) -> dict[str, object]:
    """Seconds of reading are added by the portal's clock; a clock that went back adds nothing."""
    moment = clock.now()
    return {"seconds": read.seconds + seconds_between(read.seen_at, moment), "seen_at": moment}


def _refuse_stale(read: Read) -> None:
    current = Read.objects.get(pk=read.pk)
    if current.status == ReadStatus.SUBMITTED:
        sentence = "This case was submitted in another window and is locked."
        raise StaleState(Reason("read_submitted", sentence))
    if current.status == ReadStatus.ASSIGNED:
        raise Refused(Reason("read_not_begun", "This case was not begun."))
    raise OtherTab(current)


def _refuse_reopening(read: Read) -> None:
    if read.status != ReadStatus.SUBMITTED or Read.objects.filter(corrects=read).exists():
        sentence = "Only a submitted case can be opened again, and only once at a time."
        raise Refused(Reason("not_submitted", sentence))
    stage = read.reader.session.status
    adjudication = read.kind == ReadKind.ADJUDICATION
    if stage != (SessionStatus.CONSENSUS if adjudication else SessionStatus.INDEPENDENT):
        raise Refused(Reason("stage_over", "This part of the reading session is over."))


def _calls(read: Read, answers: Answers) -> None:
    ReadCall.objects.bulk_create(
        ReadCall(
            read=read, question=call.question, unit=call.unit, unit_id=call.unit_id,
            score=call.score, call=call.call, indeterminate=call.indeterminate,
            detail=call.detail, place_mm=list(call.place_mm) if call.place_mm else None,
        )
        for call in answers.calls
    )  # fmt: skip
