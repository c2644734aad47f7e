"""Closes accounts and opens them again; an account is never deleted, for the trail names it for ever."""

from allauth.mfa.models import Authenticator
from django.db import transaction
from rest_framework.authtoken.models import Token

from studyportal.core import clock
from studyportal.core.errors import Reason, refuse_if
from studyportal.core.models import User
from studyportal.core.services import record
from studyportal.sites.models import Membership
from studyportal.sites.rules import Action
from studyportal.sites.rules.access import LAST_ADMINISTRATOR
from studyportal.sites.selectors import other_administrators
from studyportal.sites.services.roles import reason_faults, require


@transaction.atomic
def close_account(*, user: User, reason: str, by: User) -> None:
    """The person can no longer sign in, by browser or program; their roles have ended, their acts stay on record.

    Sessions end with the next request, because a closed account is nobody. Source: 21 CFR 11.10(d), 11.300(c).

    Raises
    ------
    Refused
        Without a reason, for one's own account, for a closed one, or when nobody would be left to manage people.
    """
    require(by, Action.MANAGE_PEOPLE)
    row = User.objects.select_for_update().get(pk=user.pk)
    faults = reason_faults(reason)
    if row == by:
        faults.append(Reason("own_account", "Nobody closes their own account. Ask somebody else."))
    if not row.is_active:
        faults.append(Reason("closed", "This account is closed already."))
    if not other_administrators(row):
        faults.append(Reason("last_administrator", LAST_ADMINISTRATOR))
    refuse_if(faults)
    row.is_active = False
    row.save(update_fields=["is_active"])
    Membership.objects.filter(user=row, ended_at=None).update(ended_at=clock.now())
    Token.objects.filter(user=row).delete()
    record("close_account", row, f"The account {row.username} was closed.", by=by, reason=reason)


@transaction.atomic
def reopen_account(*, user: User, reason: str, by: User) -> None:
    """The person can sign in again, with no role until one is given.

    Raises
    ------
    Refused
        Without a reason, or when the account is open.
    """
    require(by, Action.MANAGE_PEOPLE)
    row = User.objects.select_for_update().get(pk=user.pk)
    faults = reason_faults(reason)
    if row.is_active:
        faults.append(Reason("open", "This account is open."))
    refuse_if(faults)
    row.is_active = True
    row.save(update_fields=["is_active"])
    record("reopen_account", row, f"The account {row.username} was opened.", by=by, reason=reason)


def use_code(*, user: User, code: str) -> bool:
    """Whether this is a code of now of the person's app, or an unused recovery code; either is then used up."""
    found = Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.WEBAUTHN)
    return any(one.wrap().validate_code(code.strip()) for one in found)


@transaction.atomic
def drop_second_factors(*, user: User, reason: str, by: User) -> None:
    """The person's app, passkeys, recovery codes and API token work no more; a new factor is set up at sign-in.

    For somebody who lost the device; who asks for it is checked by the one who does it.

    Raises
    ------
    Refused
        Without a reason, for oneself, or when there is none.
    """
    require(by, Action.MANAGE_PEOPLE)
    faults = reason_faults(reason)
    if user == by:
        faults.append(Reason("own_account", "Nobody does this for themselves. Ask somebody else."))
    if not Authenticator.objects.filter(user=user).exists():
        faults.append(Reason("no_factor", "This account has no second factor."))
    refuse_if(faults)
    Authenticator.objects.filter(user=user).delete()
    Token.objects.filter(user=user).delete()
    sentence = f"The second factors of {user.username} were taken away."
    record("drop_second_factors", user, sentence, by=by, reason=reason)
