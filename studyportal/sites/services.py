"""Opens sites and gives roles."""

from django.db import transaction

from studyportal.core import clock
from studyportal.core.errors import NotAllowed, Reason, Refused
from studyportal.core.models import User
from studyportal.core.services import advance, begin, record
from studyportal.protocol.rules import Protocol
from studyportal.sites.models import Membership, Site
from studyportal.sites.rules import ACTION_WORDS, Action, Role, blinding_fault, scope_fault
from studyportal.sites.selectors import may
from studyportal.sites.states import SITE, SiteStatus


def require(user: User, action: Action, *, site: Site | None = None) -> None:
    """Refuse unless the person may do this there."""
    if not may(user, action, site=site):
        words = ACTION_WORDS[action].lower()
        where = f" at {site.code}" if site else ""
        raise NotAllowed(
            Reason("not_allowed", f"Your roles do not let you do this{where}: {words}.")
        )


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
    held = Membership.objects.filter(user=user, ended_at=None).values_list("role", flat=True)
    if fault := blinding_fault(role, held=[Role(name) for name in held]):
        raise Refused(Reason("role_blinded", fault))
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
