"""Who may act in a reading session: those who run it for the study, and readers who see nothing else."""

from studyportal.core.errors import NotAllowed, Reason, Refused
from studyportal.core.models import User
from studyportal.reading.models import Read, ReadingSession
from studyportal.reading.selectors import counting, sees_too_much
from studyportal.reading.states import SessionStatus
from studyportal.sites.rules import Action
from studyportal.sites.selectors import holds_for_study
from studyportal.sites.services import require


def require_running(by: User) -> None:
    """Refuse unless the person runs reading sessions for the whole study."""
    require(by, Action.RUN_READINGS)
    if not holds_for_study(by, Action.RUN_READINGS):
        sentence = "A reading session belongs to the whole study; your role is for one site."
        raise NotAllowed(Reason("not_allowed", sentence))


def require_blind(by: User) -> None:
    """Refuse a reader who may see anything beside the cases: the reads would not be blinded."""
    require(by, Action.READ_CASES)
    if sees_too_much(by):
        sentence = (
            "You hold a role that shows participants, images or results, so you cannot read blinded. "
            "Ask the administrator."
        )
        raise NotAllowed(Reason("not_blind", sentence))


def require_own(read: Read, by: User) -> None:
    """Refuse unless the read is this person's, who reads blinded and did not leave, and its case still counts."""
    require_blind(by)
    if read.reader.person_id != by.pk or read.reader.withdrawn_at is not None:
        raise NotAllowed(Reason("not_allowed", "This case is not yours to read."))
    if not Read.objects.filter(counting("case__"), pk=read.pk).exists():
        sentence = "This case is read no more; it was taken out of the session."
        raise Refused(Reason("case_out", sentence))


def require_reason(reason: str) -> str:
    """Return the reason without blanks around it; refuse when there is none."""
    if not reason.strip():
        raise Refused(Reason("reason_missing", "Say why.", "reason"))
    return reason.strip()


def require_open(session: ReadingSession) -> None:
    """Refuse what is no longer done in a closed session."""
    if session.status == SessionStatus.CLOSED:
        raise Refused(Reason("session_closed", "This reading session is closed."))
