"""A session goes on: readers leave, cases are taken out, the consensus begins, the session is closed."""

from __future__ import annotations

from django.db import transaction

from studyportal.core import clock
from studyportal.core.errors import Reason, Refused
from studyportal.core.models import User
from studyportal.core.services import advance, begin, record
from studyportal.reading.models import (
    Read,
    ReadingArm,
    ReadingCase,
    ReadingSession,
    SessionReader,
)
from studyportal.reading.selectors import adjudicators_of, counting, disputed_in
from studyportal.reading.services.guarding import require_open, require_reason, require_running
from studyportal.reading.services.opening import new_code
from studyportal.reading.states import (
    READ,
    READING_SESSION,
    ReadKind,
    ReadStatus,
    SessionStatus,
)


@transaction.atomic
def withdraw_reader(*, reader: SessionReader, reason: str, by: User) -> None:
    """The reader reads no further case; what was submitted stays, what was begun is kept and never counted."""
    require_running(by)
    require_open(reader.session)
    words = require_reason(reason)
    changed = SessionReader.objects.filter(pk=reader.pk, withdrawn_at=None).update(
        withdrawn_at=clock.now(), withdrawal_reason=words
    )
    if not changed:
        raise Refused(Reason("left_already", "This reader has left the session already."))
    record("withdraw_reader", reader, f"{reader} left.", by=by, reason=words)


@transaction.atomic
def exclude_case(*, case: ReadingCase, reason: str, by: User) -> None:
    """Nobody reads the case any more, and no analysis has it; its reads stay."""
    require_running(by)
    require_open(case.session)
    words = require_reason(reason)
    take_out(case, words)
    sentence = f"A case was taken out of reading session {case.session}."
    record("exclude_case", case, sentence, by=by, reason=words)


def take_out(case: ReadingCase, words: str) -> bool:
    """Whether the case was in the session until now; it is out of it from now on."""
    rows = ReadingCase.objects.filter(pk=case.pk, excluded_at=None)
    return rows.update(excluded_at=clock.now(), exclusion_reason=words) == 1


@transaction.atomic
def begin_consensus(*, session: ReadingSession, by: User) -> ReadingSession:
    """Independent reading is over; the adjudicator has every case on which readers differ by the stated rule.

    Raises
    ------
    Refused
        When somebody still reads, or there is no adjudicator.
    """
    require_running(by)
    _refuse_open_reads(session)
    adjudicator = adjudicators_of(session).first()
    disputed = disputed_in(session)
    if disputed and adjudicator is None:
        sentence = "Readers differ, and the session has no adjudicator; it can only be closed."
        raise Refused(Reason("no_adjudicator", sentence))
    advance(session, READING_SESSION, SessionStatus.CONSENSUS, by=by)
    pairs = sorted({(str(one.case_id), str(one.arm_id)) for one in disputed})
    for place, (case_id, arm_id) in enumerate(pairs, start=1):
        _adjudicate(adjudicator, case_id, arm_id, place, by=by)
    sentence = f"Consensus of reading session {session} began with {len(pairs)} cases."
    record("begin_consensus", session, sentence, by=by)
    return session


@transaction.atomic
def close_session(*, session: ReadingSession, by: User, reason: str = "") -> ReadingSession:
    """The session is closed: nothing more is read, and what was read is no longer sealed.

    Raises
    ------
    Refused
        When cases are still to be read and no reason is given to close all the same.
    """
    require_running(by)
    if not reason.strip():
        _refuse_open_reads(session)
    advance(
        session, READING_SESSION, SessionStatus.CLOSED, by=by, reason=reason.strip(),
        closed_at=clock.now(), closed_by=by,
    )  # fmt: skip
    sentence = f"Reading session {session} was closed."
    record("close_session", session, sentence, by=by, reason=reason.strip())
    return session


def open_reads(session: ReadingSession) -> int:
    """How many reads of readers who did not leave are still to be submitted, corrections included."""
    rows = Read.objects.filter(
        counting("case__"), reader__session=session, reader__withdrawn_at=None
    )
    return rows.exclude(status=ReadStatus.SUBMITTED).count()


def _refuse_open_reads(session: ReadingSession) -> None:
    waiting = open_reads(session)
    if waiting:
        sentence = f"{waiting} reads are not submitted yet."
        raise Refused(Reason("reads_open", sentence, "reason"))


def _adjudicate(
    adjudicator: SessionReader | None, case_id: str, arm_id: str, place: int, *, by: User
) -> None:
    if adjudicator is None:
        return
    read = Read.objects.create(
        reader=adjudicator, case=ReadingCase.objects.get(pk=case_id),
        arm=ReadingArm.objects.get(pk=arm_id), status=ReadStatus.ASSIGNED,
        kind=ReadKind.ADJUDICATION, code=new_code(), period=0, block=0, place=place,
    )  # fmt: skip
    begin(read, READ, by=by)
