"""Freezes and locks of data: a freeze is lifted by one person, a lock by two."""

from django.db import transaction

from studyportal.core import clock
from studyportal.core.errors import NotAllowed, Reason, Refused
from studyportal.core.models import User
from studyportal.core.services import advance, begin, record
from studyportal.sites.models import DataLock, Site
from studyportal.sites.rules import Action, LockKind
from studyportal.sites.selectors import holds_for_study, locks_on
from studyportal.sites.services.roles import order_with_locking, require
from studyportal.sites.states import DATA_LOCK, LockStatus


@transaction.atomic
def lock_data(*, site: Site | None, kind: LockKind, why: str, by: User) -> DataLock:
    """Nobody changes data of the site, or of any site, until the lock is lifted.

    Raises
    ------
    Refused
        When no reason is given, or such a lock stands already.
    """
    _require_locking(by, site, why)
    order_with_locking(shared=False)
    if locks_on(site).filter(site=site, kind=kind).exists():
        raise Refused(Reason("locked_already", "Such a lock stands already."))
    lock = DataLock.objects.create(
        site=site, kind=kind, status=LockStatus.STANDING, why=why.strip(),
        locked_at=clock.now(), locked_by=by,
    )  # fmt: skip
    begin(lock, DATA_LOCK, by=by, reason=lock.why)
    _record_lock(lock, "lock_data", f"{_lock_words(lock)} was placed.", reason=lock.why, by=by)
    return lock


@transaction.atomic
def ask_unlock(*, lock: DataLock, why: str, by: User) -> None:
    """A second person is asked to lift the lock."""
    _require_locking(by, lock.site, why)
    if lock.kind == LockKind.FREEZE:
        raise Refused(Reason("one_person", "A freeze needs no second person; lift it."))
    advance(
        lock, DATA_LOCK, LockStatus.UNLOCK_ASKED, by=by, reason=why.strip(),
        unlock_why=why.strip(), asked_by=by,
    )  # fmt: skip
    _record_lock(lock, "ask_unlock", f"{_lock_words(lock)} is to be lifted.", reason=why, by=by)


@transaction.atomic
def decline_unlock(*, lock: DataLock, why: str, by: User) -> None:
    """The lock stands on."""
    _require_locking(by, lock.site, why)
    advance(
        lock, DATA_LOCK, LockStatus.STANDING, by=by, reason=why.strip(),
        unlock_why="", asked_by=None,
    )  # fmt: skip
    _record_lock(lock, "decline_unlock", f"{_lock_words(lock)} stands on.", reason=why, by=by)


@transaction.atomic
def lift_lock(*, lock: DataLock, why: str, by: User) -> None:
    """Data can be changed again: a freeze by one person, a lock by another one than who asked for it.

    Raises
    ------
    Refused
        When nobody asked for the unlocking, or the same person did.
    """
    _require_locking(by, lock.site, why)
    if lock.kind == LockKind.LOCK and lock.status != LockStatus.UNLOCK_ASKED:
        raise Refused(Reason("not_asked", "Ask for the unlocking first; a second person lifts it."))
    if lock.kind == LockKind.LOCK and lock.asked_by_id == by.pk:
        raise Refused(Reason("two_people", "You asked for it; a second person must lift the lock."))
    advance(
        lock, DATA_LOCK, LockStatus.LIFTED, by=by, reason=why.strip(),
        unlock_why=lock.unlock_why or why.strip(), lifted_at=clock.now(), lifted_by=by,
    )  # fmt: skip
    _record_lock(lock, "lift_lock", f"{_lock_words(lock)} was lifted.", reason=why, by=by)


def _require_locking(by: User, site: Site | None, why: str) -> None:
    require(by, Action.LOCK_DATA, site=site)
    if site is None and not holds_for_study(by, Action.LOCK_DATA):
        raise NotAllowed(Reason("not_allowed", "Only who may lock every site locks the study."))
    if not why.strip():
        raise Refused(Reason("reason_missing", "Say why.", "why"))


def _lock_words(lock: DataLock) -> str:
    return f"The {lock.kind} of {lock.site.code if lock.site else 'the study'}"


def _record_lock(lock: DataLock, verb: str, sentence: str, *, reason: str, by: User) -> None:
    code = lock.site.code if lock.site else ""
    record(verb, lock, sentence, by=by, site_code=code, reason=reason.strip())
