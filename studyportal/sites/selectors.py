"""Who sees which site. Every other room scopes its reads by `sites_visible_to`."""

from collections.abc import Iterable
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Prefetch, Q, QuerySet

from studyportal.core.models import User
from studyportal.sites.models import DataLock, Membership, Site
from studyportal.sites.rules import PERMISSIONS, Action, Role
from studyportal.sites.states import LockStatus

Person = User | AnonymousUser


def memberships_of(user: Person) -> list[Membership]:
    """The person's current memberships, read once per request."""
    if not user.is_authenticated or not user.is_active:
        return []
    cached = getattr(user, "_memberships", None)
    if cached is None:
        cached = list(Membership.objects.filter(user=user, ended_at=None).select_related("site"))
        user._memberships = cached  # type: ignore[attr-defined]  # a cache on the request's own user
    return cached


def roles_of(user: Person) -> frozenset[Role]:
    """Every role the person holds anywhere."""
    return frozenset(Role(membership.role) for membership in memberships_of(user))


def may(user: Person, action: Action, *, site: Site | None = None) -> bool:
    """Whether the person may do this at this site; without a site, anywhere at all."""
    return any(
        action in PERMISSIONS[Role(membership.role)]
        and (site is None or membership.site_id is None or membership.site_id == site.pk)
        for membership in memberships_of(user)
    )


def holds_for_study(user: Person, action: Action) -> bool:
    """Whether the person may do this at every site, those of the future too."""
    return any(
        membership.site_id is None and action in PERMISSIONS[Role(membership.role)]
        for membership in memberships_of(user)
    )


def sites_visible_to(user: Person, action: Action | None = None) -> QuerySet[Site]:
    """Sites at which the person may do `action`; without an action, sites they belong to in any role."""
    fitting = [
        membership
        for membership in memberships_of(user)
        if action is None or action in PERMISSIONS[Role(membership.role)]
    ]
    if any(membership.site_id is None for membership in fitting):
        return Site.objects.all()
    return Site.objects.filter(pk__in={membership.site_id for membership in fitting})


def site_ids(user: Person, action: Action) -> Iterable[UUID]:
    """Ids of the sites at which the person may do `action`."""
    return list(sites_visible_to(user, action).values_list("pk", flat=True))


def site_by_code(code: str) -> Site | None:
    """The site with this code, for commands that act in the name of a person."""
    return Site.objects.filter(code=code).first()


def every_site() -> QuerySet[Site]:
    """All sites, for study-wide work."""
    return Site.objects.all()


def people_visible_to(user: Person) -> QuerySet[User]:
    """Everybody with their current roles as `current_memberships`, for those who manage people."""
    if not may(user, Action.MANAGE_PEOPLE):
        return User.objects.none()
    current = Membership.objects.filter(ended_at=None).select_related("site")
    return User.objects.prefetch_related(
        Prefetch("memberships", queryset=current, to_attr="current_memberships")
    )


def locks_on(site: Site | None) -> QuerySet[DataLock]:
    """What stands in the way of changes at this site, the study's own locks among it; None for the study's alone."""
    rows = DataLock.objects.exclude(status=LockStatus.LIFTED).select_related("site", "locked_by")
    return rows.filter(Q(site=None) | Q(site=site)) if site else rows.filter(site=None)


def locks_visible_to(user: Person) -> QuerySet[DataLock]:
    """Every lock, lifted ones too, of the sites at which the person may lock; the study's for all of them."""
    if not may(user, Action.LOCK_DATA):
        return DataLock.objects.none()
    theirs = Q(site__in=sites_visible_to(user, Action.LOCK_DATA)) | Q(site=None)
    people = ("site", "locked_by", "asked_by", "lifted_by")
    return DataLock.objects.filter(theirs).select_related(*people)


def lock_for(user: Person, lock_id: UUID) -> DataLock | None:
    """The lock, or None when it does not exist or the person may not see it."""
    return locks_visible_to(user).filter(pk=lock_id).first()


def investigators() -> QuerySet[User]:
    """The active principal investigators of the sites and of the study."""
    current = Membership.objects.filter(
        ended_at=None, role__in=(Role.SITE_PI.value, Role.STUDY_PI.value)
    )
    return User.objects.filter(is_active=True, pk__in=current.values("user"))
