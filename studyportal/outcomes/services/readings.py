"""Reading sessions as outcomes see them: opened in agreement with the index tests, taken out once results are open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from studyportal.core.errors import Reason, Refused, refuse_if
from studyportal.outcomes.models import IndexTest
from studyportal.outcomes.rules import cut_off_faults
from studyportal.outcomes.selectors import arms_are_open
from studyportal.outcomes.states import IndexTestKind
from studyportal.reading import services as reading
from studyportal.reading.rules import DesignRefused, Kind, parse_design
from studyportal.reading.selectors import closed_sessions, design_of

if TYPE_CHECKING:
    from evaluation.analysis import Plan
    from studyportal.core.models import User
    from studyportal.reading.selectors import ReadingSession


def open_reading_session(
    *,
    name: str,
    design_text: str,
    readers: Sequence[User],
    adjudicator: User | None = None,
    by: User,
) -> ReadingSession:
    """The session is open, and what counts as positive in it is what the registered index tests say.

    Raises
    ------
    Refused
        With one reason for each question that is cut off elsewhere, and whatever refuses a session.
    """
    refuse_if([Reason("cut_off", fault, "design") for fault in _faults_of(design_text)])
    return reading.open_session(
        name=name, design_text=design_text, readers=readers, adjudicator=adjudicator, by=by
    )


def take_out_reads(*, session: ReadingSession, by: User) -> str:
    """The reads of a closed session as CSV; the audit trail records the download.

    Raises
    ------
    Refused
        Until two people opened the final analysis of a data cut that holds them: they name arms.
    """
    if not arms_are_open(session):
        sentence = (
            "The reads name arms. They stay sealed until two people open the final analysis of a "
            "data cut that was frozen after this session was closed."
        )
        raise Refused(Reason("reads_sealed", sentence))
    return reading.export_reads(session=session, by=by)


def read_otherwise(plan: Plan) -> list[str]:
    """Of each closed session that a cut under this plan takes in: which questions are cut off elsewhere there."""
    cut_offs = {test.id: test.cutoff for test in plan.index_test if test.kind == "scores"}
    return [
        f"Reading session {session}: {fault}"
        for session in closed_sessions()
        if design_of(session).kind == Kind.DIAGNOSTIC
        for fault in cut_off_faults(design_of(session), cut_offs)
    ]


def _faults_of(design_text: str) -> list[str]:
    try:
        design = parse_design(design_text)
    except DesignRefused:
        return []  # every fault of the file is told where the session is opened
    tests = IndexTest.objects.filter(kind=IndexTestKind.READER).exclude(digest="")
    in_force = {test.code: test.definition["cutoff"] for test in tests.order_by("registered_at")}
    return cut_off_faults(design, in_force)
