"""Results are sealed until two people open an analysis point of the plan; every look at them is kept."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from studyportal.core import clock
from studyportal.core.errors import Reason, Refused
from studyportal.core.models import User
from studyportal.core.services import advance, begin, record
from studyportal.outcomes.models import DataCut, ResultOpening
from studyportal.outcomes.selectors import analysis_points, is_open, looks_at, openings_of
from studyportal.outcomes.states import RESULT_OPENING, CutStatus, OpeningStatus, Seen
from studyportal.sites.rules import Action
from studyportal.sites.services import require

_ONE_LOOK = timedelta(minutes=10)
SEALED = (
    "The results of this data cut are sealed. Two people open an analysis point of its plan first."
)


@transaction.atomic
def ask_opening(*, cut: DataCut, point: str, why: str, by: User) -> ResultOpening:
    """A second person is asked to open an analysis point of the plan of this cut.

    Raises
    ------
    Refused
        When the cut is open, its plan has no such point, the point was asked for already, or no
        reason is given.
    """
    require(by, Action.OPEN_RESULTS)
    _require_reason(why)
    if cut.status == CutStatus.OPEN:
        raise Refused(Reason("cut_open", "Freeze the cut before its results are opened."))
    named = next((one for one in analysis_points(cut) if one.id == point), None)
    if named is None:
        sentence = f"The plan of this cut has no analysis point “{point}”."
        raise Refused(Reason("no_such_point", sentence, "point"))
    if openings_of(cut).filter(point=point).exclude(status=OpeningStatus.DECLINED).exists():
        raise Refused(Reason("asked_already", "This point was asked for already.", "point"))
    row = ResultOpening.objects.create(
        cut=cut, point=named.id, title=named.title, kind=named.kind, shows=list(named.shows),
        status=OpeningStatus.ASKED, why=why.strip(), asked_at=clock.now(), asked_by=by,
    )  # fmt: skip
    begin(row, RESULT_OPENING, by=by, reason=row.why)
    _record(row, "ask_opening", "is asked to be opened", reason=row.why, by=by)
    return row


@transaction.atomic
def open_results(*, opening: ResultOpening, why: str, by: User) -> ResultOpening:
    """The results of the point can be seen from now on.

    Raises
    ------
    Refused
        When the person asked for it: two people open results.
    """
    require(by, Action.OPEN_RESULTS)
    if opening.asked_by_id == by.pk:
        raise Refused(Reason("two_people", "You asked for it; a second person must open it."))
    _decide(opening, OpeningStatus.OPENED, why=why, by=by)
    _record(opening, "open_results", "was opened", reason=why, by=by)
    return opening


@transaction.atomic
def decline_opening(*, opening: ResultOpening, why: str, by: User) -> ResultOpening:
    """The results stay sealed; the point can be asked for again."""
    require(by, Action.OPEN_RESULTS)
    _require_reason(why)
    _decide(opening, OpeningStatus.DECLINED, why=why, by=by)
    _record(opening, "decline_opening", "stays sealed", reason=why, by=by)
    return opening


def note_look(*, cut: DataCut, what: Seen, by: User, of: str = "") -> None:
    """It is kept that this person saw these results of the cut; `of` names the file or the participant.

    The same look again within ten minutes, such as at the pictures of one page, is one look.
    """
    seen = what.value.replace("_", " ")
    sentence = f"Results of “{cut.name}” were seen: {seen}."
    if of:
        sentence = f"Of “{cut.name}” {seen} was seen: {of}."
    kept = looks_at(cut).filter(by=by, sentence=sentence, at__gt=clock.now() - _ONE_LOOK)
    if not kept.exists():
        record("see_results", cut, sentence, by=by)


def refuse_sealed(cut: DataCut) -> None:
    """Refuse while the final analysis of the cut is sealed."""
    if not is_open(cut):
        raise Refused(Reason("results_sealed", SEALED))


def _decide(opening: ResultOpening, target: OpeningStatus, *, why: str, by: User) -> None:
    advance(
        opening, RESULT_OPENING, target, by=by, reason=why.strip(),
        decision_why=why.strip(), decided_at=clock.now(), decided_by=by,
    )  # fmt: skip


def _require_reason(why: str) -> None:
    if not why.strip():
        raise Refused(Reason("reason_missing", "Say why.", "why"))


def _record(opening: ResultOpening, verb: str, what: str, *, reason: str, by: User) -> None:
    sentence = f"Analysis point “{opening.title}” of “{opening.cut.name}” {what}."
    record(verb, opening, sentence, by=by, reason=reason.strip())
