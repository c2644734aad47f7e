"""Invites people by mail: whoever holds the mail's token makes the account, once, before it runs out."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from studyportal.core import clock
from studyportal.core.errors import Reason, Refused, refuse_if
from studyportal.core.models import User
from studyportal.core.services import record
from studyportal.sites.models import Invitation, Site
from studyportal.sites.rules import ROLE_NAMES, Action, Role, scope_fault
from studyportal.sites.services.roles import give_role, require


@dataclass(frozen=True)
class Invited:
    """An invitation with its token, which only the mail may carry."""

    invitation: Invitation
    token: str


def digest_of(token: str) -> str:
    """The digest by which an invitation is found."""
    return hashlib.sha256(token.encode()).hexdigest()


@transaction.atomic
def invite(*, email: str, role: Role, site: Site | None, by: User) -> Invited:
    """An invitation stands; whoever sends the token to the address lets its owner make the account.

    Raises
    ------
    Refused
        When the address is no address or has an account, or the role cannot be held like that.
    """
    require(by, Action.MANAGE_PEOPLE)
    address = email.strip().lower()
    refuse_if(_faults(address, role, site))
    token, moment = secrets.token_urlsafe(32), clock.now()
    Invitation.objects.filter(
        email=address, role=role, site=site, accepted_at=None, withdrawn_at=None
    ).update(withdrawn_at=moment)
    invitation = Invitation.objects.create(
        email=address,
        role=role,
        site=site,
        token_sha256=digest_of(token),
        invited_at=moment,
        invited_by=by,
        expires_at=moment + timedelta(days=settings.INVITATION_DAYS),
    )
    sentence = f"Somebody was invited to become {ROLE_NAMES[role]}."
    record("invite", invitation, sentence, by=by, site_code=site.code if site else "")
    return Invited(invitation, token)


@transaction.atomic
def withdraw_invitation(*, invitation: Invitation, by: User) -> None:
    """The invitation can no longer be accepted.

    Raises
    ------
    Refused
        When it was accepted or withdrawn before.
    """
    require(by, Action.MANAGE_PEOPLE)
    row = Invitation.objects.select_for_update().get(pk=invitation.pk)
    refuse_if(_spent(row))
    row.withdrawn_at = clock.now()
    row.save(update_fields=["withdrawn_at"])
    record("withdraw_invitation", row, "An invitation was withdrawn.", by=by)


@transaction.atomic
def accept_invitation(*, token: str, username: str, display_name: str, password: str) -> User:
    """The account exists with the role and a verified address; the invitation is used up.

    Raises
    ------
    Refused
        When the invitation is unknown, used, withdrawn or too old; when the user name is taken, or the password weak.
    """
    row = (
        Invitation.objects.select_for_update(of=("self",))
        .select_related("site", "invited_by")
        .filter(token_sha256=digest_of(token))
        .first()
    )
    if row is None:
        raise Refused(Reason("invitation", "There is no such invitation. Ask for a new one."))
    refuse_if(_spent(row))
    user = User(username=username.strip(), email=row.email, display_name=display_name.strip())
    refuse_if([*_name_faults(user), *_password_faults(user, password)])
    user.set_password(password)
    user.save()
    EmailAddress.objects.create(user=user, email=row.email, verified=True, primary=True)
    row.accepted_at, row.accepted_by = clock.now(), user
    row.save(update_fields=["accepted_at", "accepted_by"])
    record("accept_invitation", row, f"{user.username} accepted an invitation.", by=user)
    give_role(user=user, role=Role(row.role), site=row.site, by=row.invited_by)
    return user


def _faults(address: str, role: Role, site: Site | None) -> list[Reason]:
    faults = []
    try:
        validate_email(address)
    except ValidationError:
        faults.append(Reason("email", "This is not an e-mail address.", "email"))
    if EmailAddress.objects.filter(email__iexact=address).exists():
        words = "Somebody has an account with this address. Give the role to them."
        faults.append(Reason("email_taken", words, "email"))
    if fault := scope_fault(role, for_site=site is not None):
        faults.append(Reason("role_scope", fault, "site"))
    return faults


def _spent(row: Invitation) -> list[Reason]:
    if row.accepted_at is not None:
        return [Reason("invitation_used", "This invitation was used. Sign in with your account.")]
    if row.withdrawn_at is not None:
        return [Reason("invitation_withdrawn", "This invitation was withdrawn. Ask for a new one.")]
    if row.expires_at <= clock.now():
        return [Reason("invitation_old", "This invitation has run out. Ask for a new one.")]
    return []


def _name_faults(user: User) -> list[Reason]:
    try:
        UnicodeUsernameValidator()(user.username)
    except ValidationError:
        words = "Use letters, digits and @ . + - _ for the user name."
        return [Reason("username", words, "username")]
    if User.objects.filter(username__iexact=user.username).exists():
        return [Reason("username_taken", "This user name is taken. Choose another.", "username")]
    return []


def _password_faults(user: User, password: str) -> list[Reason]:
    try:
        validate_password(password, user)
    except ValidationError as faults:
        return [Reason("password", str(words), "password") for words in faults.messages]
    return []
