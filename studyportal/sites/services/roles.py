"""Opens sites; gives roles and ends them."""

from django.db import connection, transaction
from django.utils import timezone

from studyportal.core import clock
from studyportal.core.errors import NotAllowed, Reason, Refused, refuse_if
from studyportal.core.models import User
from studyportal.core.services import advance, begin, record
from studyportal.protocol.rules import Protocol
from studyportal.sites.models import Membership, Site
from studyportal.sites.rules import ACTION_WORDS, CHANGES_DATA, Action, LockKind, Role, scope_fault
from studyportal.sites.rules.access import LAST_ADMINISTRATOR
from studyportal.sites.selectors import locks_on, may, other_administrators
from studyportal.sites.states import SITE, SiteStatus

_LOCKING = 0x10CC  # key of the advisory lock that orders writers and who locks


def require(user: User, action: Action, *, site: Site | None = None) -> None:
    """Refuse unless the person may do this there, and the data there may be changed if the act changes any."""
    require_right(user, action, site=site)
    if site is not None and action in CHANGES_DATA:
        require_unlocked(site)


def require_right(user: User, action: Action, *, site: Site | None = None) -> None:
    """Refuse unless the person may do this there, be the data locked or not."""
    if not may(user, action, site=site):
        words = ACTION_WORDS[action].lower()
        where = f" at {site.code}" if site else ""
        raise NotAllowed(
            Reason("not_allowed", f"Your roles do not let you do this{where}: {words}.")
        )


def require_unlocked(site: Site) -> None:
    """Refuse where data are frozen or locked. Until the transaction ends, nobody locks them beside it.

    Raises
    ------
    Refused
        With since when, and why.
    """
    order_with_locking(shared=True)
    lock = locks_on(site).first()
    if lock is not None:
        where = lock.site.code if lock.site else "the study"
        done = "frozen" if lock.kind == LockKind.FREEZE else "locked"
        since = timezone.localdate(lock.locked_at).isoformat()
        sentence = f"The data of {where} are {done} since {since} and cannot be changed: {lock.why}"
        raise Refused(Reason("locked", sentence))


def order_with_locking(*, shared: bool) -> None:
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


@transaction.atomic
def end_role(*, membership: Membership, reason: str, by: User) -> None:
    """The person no longer holds the role there; that they held it stays on record.

    Raises
    ------
    Refused
        Without a reason, when it ended already, or when nobody would be left to manage people.
    """
    require(by, Action.MANAGE_PEOPLE)
    row = Membership.objects.select_for_update().get(pk=membership.pk)
    faults = reason_faults(reason)
    if row.ended_at is not None:
        faults.append(Reason("role_ended", "This role ended already."))
    if row.role == Role.ADMINISTRATOR and not other_administrators(row.user):
        faults.append(Reason("last_administrator", LAST_ADMINISTRATOR))
    refuse_if(faults)
    row.ended_at = clock.now()
    row.save(update_fields=["ended_at"])
    record(
        "end_role",
        row,
        f"{row.user.username} is no longer {row.get_role_display()}.",
        by=by,
        site_code=row.site.code if row.site else "",
        reason=reason.strip(),
    )


def reason_faults(reason: str) -> list[Reason]:
    """A fault when no reason was given."""
    return [] if reason.strip() else [Reason("reason", "Give a reason.", "reason")]


def lock_site(site: Site) -> None:
    """Whoever locks the same site in a transaction waits for this one to end."""
    Site.objects.select_for_update().get(pk=site.pk)
