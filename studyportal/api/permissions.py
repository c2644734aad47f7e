"""Asks the table of rights before anything else happens."""

from typing import Any

from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from studyportal.api.rights import ASK_AGAIN, RIGHTS, Access
from studyportal.sites.rules import Action
from studyportal.sites.selectors import may

__all__ = ["RIGHTS", "Access", "HasRight", "endpoint_of"]

# Django REST framework's words for a method that an address does not have; it answers 405 to whoever is signed in.
_NO_ENDPOINT = {None, "", "metadata"}


def endpoint_of(view: Any) -> str | None:
    """The name of the endpoint in `RIGHTS`; None when the address has no such method."""
    action = getattr(view, "action", None)
    return None if action in _NO_ENDPOINT else f"{view.basename}.{action}"


class HasRight(BasePermission):
    """The person holds, at some site or in the study, the right that the table names for this endpoint.

    At which site is settled afterwards: selectors hide other sites' rows (404) and services ask again with the site.
    """

    message = "Your roles do not let you do this."

    def has_permission(self, request: Request, view: Any) -> bool:
        endpoint = endpoint_of(view)
        right = Access.SIGNED_IN if endpoint is None else RIGHTS.get(endpoint)
        if right is None:
            return False
        if right == Access.ANYONE:
            return True
        if not request.user.is_authenticated:
            return False
        if isinstance(right, Action) and not may(request.user, right):
            return False
        if endpoint in ASK_AGAIN and not _shown_lately(request):
            self.message = "Confirm who you are first, in the browser at /account/confirm/."
            return False
        return True


def _shown_lately(request: Request) -> bool:
    """Whether a token stands for the person, or they confirmed in this session who they are."""
    if not isinstance(request.successful_authenticator, SessionAuthentication):
        return True
    return did_recently_reauthenticate(request._request)
