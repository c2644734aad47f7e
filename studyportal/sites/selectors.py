"""Who sees which site. Every other room scopes its reads by `sites_visible_to`."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import Prefetch, Q, QuerySet
from rest_framework.authtoken.models import Token

from studyportal.core import clock
from studyportal.core.database.scope import EVERY_SITE, Scope
from studyportal.core.models import User
from studyportal.sites.models import AccessReview, DataLock, Invitation, Membership, Site
from studyportal.sites.rules import PERMISSIONS, Action, Role, needs_second_factor
from studyportal.sites.rules.access import AccessFacts, review_due
from studyportal.sites.rules.blinding import blinded_by
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
    """Whether the person may do this at this site; without a site, anywhere at all.

    A blinded person may not, whatever other role would let them.
    """
    return action not in blinded_by(roles_of(user)) and any(
        action in PERMISSIONS[Role(membership.role)]
        and (site is None or membership.site_id is None or membership.site_id == site.pk)
        for membership in memberships_of(user)
    )


def holds_for_study(user: Person, action: Action) -> bool:
    """Whether the person may do this at every site, those of the future too."""
    return action not in blinded_by(roles_of(user)) and any(
        membership.site_id is None and action in PERMISSIONS[Role(membership.role)]
        for membership in memberships_of(user)
    )


def sites_visible_to(user: Person, action: Action | None = None) -> QuerySet[Site]:
    """Sites at which the person may do `action`; without an action, sites they belong to in any role."""
    if action in blinded_by(roles_of(user)):
        return Site.objects.none()
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


def scope_of(user: Person) -> Scope:
    """The sites whose rows statements for this person may meet, in whatever role: the wall behind every selector."""
    sites = [membership.site_id for membership in memberships_of(user)]
    return EVERY_SITE if None in sites else Scope(frozenset(filter(None, sites)))


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


def person_for(user: Person, username: str) -> User | None:
    """One person with their current roles, for those who manage people."""
    return people_visible_to(user).filter(username=username).first()


def people_holding(role: Role) -> list[User]:
    """Everybody with an open account who holds this role somewhere, by name."""
    current = Membership.objects.filter(ended_at=None, role=role.value)
    people = User.objects.filter(is_active=True, pk__in=current.values("user"))
    return list(people.order_by("username"))


def other_administrators(user: User) -> bool:
    """Whether somebody else with an open account manages people."""
    others = Membership.objects.filter(
        role=Role.ADMINISTRATOR, ended_at=None, user__is_active=True
    ).exclude(user=user)
    return others.exists()


def demonstration_personas() -> Sequence[User]:
    """Everybody who holds a role, for the sign-in page of the demonstration."""
    current = Membership.objects.filter(ended_at=None).select_related("site")
    prefetch = Prefetch("memberships", queryset=current, to_attr="current_memberships")
    people = User.objects.filter(is_active=True, memberships__ended_at=None).distinct()
    return [one for one in people.prefetch_related(prefetch) if one.current_memberships]


def open_invitations(user: Person) -> QuerySet[Invitation]:
    """Invitations that can still be accepted, for those who manage people."""
    if not may(user, Action.MANAGE_PEOPLE):
        return Invitation.objects.none()
    return Invitation.objects.filter(
        accepted_at=None, withdrawn_at=None, expires_at__gt=clock.now()
    ).select_related("site", "invited_by")


def invitation_by_digest(token_sha256: str) -> Invitation | None:
    """The invitation whose token has this digest, whatever became of it."""
    return Invitation.objects.filter(token_sha256=token_sha256).select_related("site").first()


def access_facts() -> list[AccessFacts]:
    """What an access review looks at, one entry a person, closed accounts included."""
    factors: dict[int, set[str]] = defaultdict(set)
    for user_id, kind in Authenticator.objects.values_list("user_id", "type"):
        factors[user_id].add(kind)
    tokens = dict(Token.objects.values_list("user_id", "created"))
    current = Membership.objects.filter(ended_at=None).select_related("site")
    prefetch = Prefetch("memberships", queryset=current, to_attr="current_memberships")
    return [
        _facts(person, frozenset(factors[person.pk]), tokens.get(person.pk))
        for person in User.objects.prefetch_related(prefetch).order_by("username")
    ]


def _facts(person: User, factors: frozenset[str], token_since: datetime | None) -> AccessFacts:
    held = person.current_memberships  # type: ignore[attr-defined]  # the prefetch sets it
    return AccessFacts(
        username=person.username,
        name=str(person),
        active=person.is_active,
        roles=tuple((Role(one.role), one.site.code if one.site else "") for one in held),
        created_at=person.date_joined,
        last_sign_in=person.last_login,
        second_factors=factors,
        token_since=token_since,
    )


def access_reviews(user: Person) -> QuerySet[AccessReview]:
    """Every review that was kept, newest first, for those who manage people."""
    if not may(user, Action.MANAGE_PEOPLE):
        return AccessReview.objects.none()
    return AccessReview.objects.select_related("by").order_by("-at")


def review_is_due() -> bool:
    """Whether the last access review is more than a quarter ago, or there was none."""
    last = AccessReview.objects.order_by("-at").values_list("at", flat=True).first()
    return review_due(last, now=clock.now())


def second_factors_of(user: User) -> list[Authenticator]:
    """Everything the person proves themselves with beside the password, oldest first."""
    return list(Authenticator.objects.filter(user=user).order_by("created_at"))


def has_second_factor(user: User) -> bool:
    """Whether the person has an authenticator app or a passkey."""
    kinds = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
    return Authenticator.objects.filter(user=user, type__in=kinds).exists()


def must_have_second_factor(user: User) -> bool:
    """Whether this installation asks this person for one."""
    if not settings.SECOND_FACTOR:
        return False
    return user.is_staff or needs_second_factor(roles_of(user))
