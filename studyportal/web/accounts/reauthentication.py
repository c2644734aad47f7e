"""Showing again who one is: before an export or an unlock, and with each signature.

Two ways in. A page listed in `permissions.ASK_AGAIN` leads to the confirmation page when the last proof is older
than `ACCOUNT_REAUTHENTICATION_TIMEOUT`, and goes on afterwards where it was. A signature takes its proof with the
form itself: `prove_again(request, proof=...)` (21 CFR 11.200(a)(1)).
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from allauth.account.internal.flows.login import record_authentication
from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from django.http import HttpRequest
from django.utils.translation import gettext as _

from studyportal.core import clock
from studyportal.core.errors import Reason, Refused
from studyportal.core.models import User
from studyportal.sites.services import use_code
from studyportal.web.accounts.lock_out import count_failure, is_locked
from studyportal.web.answers import acting

# Passwords that are all digits are refused when they are chosen, so digits are a code.
_CODE = re.compile(r"\s*\d{3}\s?\d{3}(\d{2})?\s*")


class Way(StrEnum):
    """How somebody showed who they are."""

    PASSWORD = "password"  # noqa: S105 a word
    CODE = "code"


@dataclass(frozen=True)
class Proof:
    """Somebody showed again who they are; what a signature rests on."""

    user: User
    way: Way
    at: datetime


def prove_again(request: HttpRequest, *, proof: str) -> Proof:
    """The person who is signed in has just given their password or a one-time code.

    Wrong proofs count towards the lock-out like wrong passwords at sign-in. Source: 21 CFR 11.200(a), 11.300(d).

    Raises
    ------
    Refused
        When the proof is wrong, was used already, or the person is locked out.
    """
    user = acting(request)
    if is_locked(request, user):
        raise Refused(
            Reason("locked", _("Too many wrong attempts. Try again in 15 minutes."), "proof")
        )
    way = _way(user, proof)
    if way is None:
        count_failure(request, user)
        raise Refused(
            Reason("wrong_proof", _("This is neither your password nor a code of now."), "proof")
        )
    method = "password" if way is Way.PASSWORD else "mfa"
    record_authentication(request, user, method, reauthenticated=True)
    return Proof(user, way, clock.now())


def ask_again_unless_recent(request: HttpRequest) -> None:
    """Nothing happens when the person gave a proof within the last minutes.

    Raises
    ------
    ReauthenticationRequired
        Otherwise; the middleware of django-allauth then asks, and goes on with this request.
    """
    raise_if_reauthentication_required(request, app="")


def _way(user: User, proof: str) -> Way | None:
    if _CODE.fullmatch(proof):
        return Way.CODE if use_code(user=user, code=proof) else None
    return Way.PASSWORD if proof and user.check_password(proof) else None
