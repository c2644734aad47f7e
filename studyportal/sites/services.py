"""Opens sites and gives roles."""

from django.db import connection, transaction
from django.utils import timezone

from studyportal.core import clock
from studyportal.core.errors import NotAllowed, Reason, Refused
from studyportal.core.models import User
from studyportal.core.services import advance, begin, record
from studyportal.protocol.rules import Protocol
from studyportal.sites.models import DataLock, Membership, Site
from studyportal.sites.rules import (
    ACTION_WORDS,
    CHANGES_DATA,
    Action,
    LockKind,
    Role,
    scope_fault,
)
from studyportal.sites.selectors import holds_for_study, locks_on, may
from studyportal.sites.states import DATA_LOCK, SITE, LockStatus, SiteStatus

_LOCKING = 0x10CC  # key of the advisory lock that orders writers and who locks


def require(user: User, action: Action, *, site: Site | None = None) -> None:
    """Refuse unless the person may do this there."""
    if not may(user, action, site=site):
        words = ACTION_WORDS[action].lower()
        where = f" at {site.code}" if site else ""
        raise NotAllowed(
            Reason("not_allowed", f"Your roles do not let you do this{where}: {words}.")
        )
    if site is not None and action in CHANGES_DATA:
        require_unlocked(site)


def require_unlocked(site: Site) -> None:
    """Refuse where data are frozen or locked. Until the transaction ends, nobody locks them beside it.

    Raises
    ------
    Refused
        With since when, and why.
    """
    _order_with_locking(shared=True)
    lock = locks_on(site).first()
    if lock is not None:
        where = lock.site.code if lock.site else "the study"
        done = "frozen" if lock.kind == LockKind.FREEZE else "locked"
        since = timezone.localdate(lock.locked_at).isoformat()
        sentence = f"The data of {where} are {done} since {since} and cannot be changed: {lock.why}"
        raise Refused(Reason("locked", sentence))


def _order_with_locking(*, shared: bool) -> None:
    """Writers go side by side; who locks waits for those at work, and those that come later see the lock."""
    name = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {name}(%s)", [_LOCKING])


@transaction.atomic
def open_sites(*, protocol: Protocol, by: User | None) -> list[Site]:
    """Every site of the protocol exists with its target and is recruiting."""
    sites = []
    for entry in protocol.sites:
        site, created = Site.objects.get_or_create(
            code=entry.code,
            defaults={
                "name": entry.name,
                "name_zh": entry.name_zh,
                "city": entry.city,
                "province": entry.province,
                "target": entry.target,
                "status": SiteStatus.PLANNED,
            },
        )
        if created:
            begin(site, SITE, by=by)
            advance(
                site,
                SITE,
                SiteStatus.RECRUITING,
                by=by,
                reason="listed as recruiting in the protocol",
            )
            record(
                "open_site", site, f"Site {site.code} is recruiting.", by=by, site_code=site.code
            )
        sites.append(site)
    return sites


@transaction.atomic
def give_role(*, user: User, role: Role, site: Site | None, by: User | None) -> Membership:
    """The person holds the role there; giving it again changes nothing."""
    if fault := scope_fault(role, for_site=site is not None):
        raise Refused(Reason("role_scope", fault))
    membership, created = Membership.objects.get_or_create(
        user=user, role=role, site=site, ended_at=None, defaults={"began_at": clock.now()}
    )
    if created:
        code = site.code if site else ""
        record(
            "give_role",
            membership,
            f"{user.username} became {membership.get_role_display()}.",
            by=by,
            site_code=code,
        )
    return membership


def lock_site(site: Site) -> None:
    """Whoever locks the same site in a transaction waits for this one to end."""
    Site.objects.select_for_update().get(pk=site.pk)


@transaction.atomic
def lock_data(*, site: Site | None, kind: LockKind, why: str, by: User) -> DataLock:
    """Nobody changes data of the site, or of any site, until the lock is lifted.

    Raises
    ------
    Refused
        When no reason is given, or such a lock stands already.
    """
    _require_locking(by, site, why)
    _order_with_locking(shared=False)
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
