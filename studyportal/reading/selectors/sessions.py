"""Reads of sessions, for those who run them and for their readers."""

from __future__ import annotations

from datetime import datetime
from importlib import resources
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import QuerySet

from studyportal.imaging.selectors import ready_pairs
from studyportal.participants.selectors import removed_ids
from studyportal.reading.models import (
    CaseVolume,
    Read,
    ReadingArm,
    ReadingCase,
    ReadingSession,
    SessionReader,
)
from studyportal.reading.rules import Design, parse_design
from studyportal.reading.selectors.counting import counting, why_held
from studyportal.reading.states import ReaderPart, SessionStatus
from studyportal.sites.rules import PERMISSIONS, Action, Role
from studyportal.sites.selectors import (
    Person,
    holds_for_study,
    may,
    memberships_of,
    people_holding,
)
from studyportal.syntheses.selectors import current_primary, usable_series

if TYPE_CHECKING:
    from studyportal.core.models import User

# What nobody may do besides reading blinded: all that shows participants, images, results or who they are.
NOT_BESIDE_READING = frozenset(
    {
        Action.SEE_PARTICIPANTS,
        Action.SEE_IMAGES,
        Action.SEE_QUERIES,
        Action.SEE_SYNTHESES,
        Action.SEE_OUTCOMES,
        Action.SEE_DASHBOARD,
        Action.SEE_AUDIT,
        Action.EXPORT,
        Action.MANAGE_PEOPLE,
    }
)


def sessions_visible_to(user: Person) -> QuerySet[ReadingSession]:
    """Every session, for those who run them; for those who analyse, the closed ones."""
    rows = ReadingSession.objects.select_related(
        "protocol_version", "release", "opened_by", "closed_by"
    )
    if holds_for_study(user, Action.RUN_READINGS):
        return rows
    if may(user, Action.SEE_OUTCOMES):
        return rows.filter(status=SessionStatus.CLOSED)
    return rows.none()


def session_for(user: Person, session_id: UUID) -> ReadingSession | None:
    """The session, or None when it does not exist or the person may not see it."""
    return sessions_visible_to(user).filter(pk=session_id).first()


def every_session() -> QuerySet[ReadingSession]:
    """All sessions, for the portal's own work."""
    return ReadingSession.objects.all()


def closed_sessions() -> QuerySet[ReadingSession]:
    """Sessions that are closed, whose reads a data cut takes in, in the order in which they were opened."""
    rows = ReadingSession.objects.filter(status=SessionStatus.CLOSED)
    return rows.order_by("opened_at", "pk")


def session_named(name: str) -> ReadingSession | None:
    """The session of this name."""
    return ReadingSession.objects.filter(name=name).first()


def design_of(session: ReadingSession) -> Design:
    """The design as it was opened, read once per row."""
    cached: Design | None = getattr(session, "_design", None)
    if cached is None:
        cached = parse_design(session.design_text)
        session._design = cached  # type: ignore[attr-defined]  # a cache on the row
    return cached


def arms_of(session: ReadingSession) -> list[ReadingArm]:
    """The arms in the order of the design."""
    return list(ReadingArm.objects.filter(session=session))


def cases_of(session: ReadingSession) -> QuerySet[ReadingCase]:
    """Every case of the session, excluded ones too."""
    return ReadingCase.objects.filter(session=session).select_related(
        "pair", "pair__participant", "pair__participant__site", "source", "reference", "synthetic"
    )


def counted_cases(session: ReadingSession) -> QuerySet[ReadingCase]:
    """Cases that are read and analysed: neither taken out nor removed, and every image still in the study."""
    return cases_of(session).filter(counting())


def held_cases(session: ReadingSession) -> list[tuple[ReadingCase, str]]:
    """Cases that nobody took out and that are read no more all the same, since an image was withdrawn, and why."""
    rows = cases_of(session).filter(excluded_at=None).exclude(pair__participant__in=removed_ids())
    return [(case, why) for case in rows if (why := why_held(case))]


def case_in(session: ReadingSession, case_id: UUID) -> ReadingCase | None:
    """The case with this id in the session."""
    return cases_of(session).filter(pk=case_id).first()


def readers_of(session: ReadingSession) -> QuerySet[SessionReader]:
    """Everybody in the session by code, those who left too."""
    return SessionReader.objects.filter(session=session).select_related("person", "session")


def reader_in(session: ReadingSession, reader_id: UUID) -> SessionReader | None:
    """The reader with this id in the session."""
    return readers_of(session).filter(pk=reader_id).first()


def own_parts(user: Person) -> list[SessionReader]:
    """The person's parts in sessions that are not closed, those that were ended left out."""
    if not user.is_authenticated or not may(user, Action.READ_CASES):
        return []
    rows = SessionReader.objects.filter(person=user, withdrawn_at=None)
    rows = rows.exclude(session__status=SessionStatus.CLOSED)
    return list(rows.select_related("session", "person").order_by("session__opened_at"))


def adjudicators_of(session: ReadingSession) -> QuerySet[SessionReader]:
    """Adjudicators who did not leave."""
    return readers_of(session).filter(part=ReaderPart.ADJUDICATOR, withdrawn_at=None)


def sees_too_much(person: User) -> bool:
    """Whether the person may see anything that a blinded reader must not."""
    held = (PERMISSIONS[Role(membership.role)] for membership in memberships_of(person))
    rights = frozenset[Action]().union(*held)
    return person.is_staff or person.is_superuser or not rights.isdisjoint(NOT_BESIDE_READING)


def possible_readers() -> list[User]:
    """People with the role of a reader and no other that shows what readers must not see."""
    return [person for person in people_holding(Role.READER) if not sees_too_much(person)]


def volumes_of(case: ReadingCase) -> dict[str, CaseVolume]:
    """The images of a case that were made, by layer."""
    return {row.layer: row for row in CaseVolume.objects.filter(case=case)}


def unprepared_cases(session: ReadingSession) -> list[ReadingCase]:
    """Cases whose images were not all made yet."""
    wanted = {str(layer) for layer in design_of(session).layers}
    made: dict[UUID, set[str]] = {}
    for case_id, layer in CaseVolume.objects.filter(case__session=session).values_list(
        "case_id", "layer"
    ):
        made.setdefault(case_id, set()).add(layer)
    return [case for case in counted_cases(session) if wanted - made.get(case.pk, set())]


def cases_to_prepare(before: datetime) -> list[ReadingCase]:
    """Cases of open sessions whose images were not made though their session was opened a while ago."""
    rows = ReadingSession.objects.exclude(status=SessionStatus.CLOSED).filter(opened_at__lt=before)
    return [case for session in rows for case in unprepared_cases(session)]


def case_by_id(case_id: str) -> ReadingCase:
    """One case, for the portal's own work."""
    return ReadingCase.objects.select_related("session", "pair", "source", "reference", "synthetic").get(pk=case_id)  # fmt: skip


def digests_in_use(digests: frozenset[str] | list[str]) -> frozenset[str]:
    """Those of the digests that images of cases rest on."""
    asked = list(digests)
    rows = CaseVolume.objects
    whole = rows.filter(sha256__in=asked).values_list("sha256", flat=True)
    quick = rows.filter(quick_sha256__in=asked).values_list("quick_sha256", flat=True)
    return frozenset(whole) | frozenset(quick)


def session_with_read(read_id: UUID | str) -> ReadingSession:
    """The session of a read, for the portal's own work."""
    return ReadingSession.objects.get(readers__reads__pk=read_id)


def reads_of_session(session: ReadingSession) -> QuerySet[Read]:
    """Every read of the session, corrections too."""
    return Read.objects.filter(reader__session=session).select_related("reader", "arm", "case")


def packaged_design(name: str) -> str:
    """A design that ships with the portal."""
    return (resources.files("studyportal.reading") / "designs" / f"{name}.toml").read_text("utf-8")


def readable_pairs() -> int:
    """How many ready pairs have a synthetic PET of the primary release, so that every arm could be read."""
    primary = current_primary()
    if primary is None:
        return 0
    rows = usable_series(primary.release, seed=primary.seed)
    pairs = ready_pairs().exclude(participant__in=removed_ids()).values("pk")
    return rows.filter(job__pair__in=pairs).count()
