"""Whoever sees participant data has a second factor and gave it in this session."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from studyportal.core.models import User
from studyportal.sites.selectors import has_second_factor, must_have_second_factor

# Pages on the way to a second factor, and out.
_OPEN = frozenset(
    {
        "mfa_index",
        "mfa_activate_totp",
        "mfa_add_webauthn",
        "mfa_reauthenticate",
        "mfa_reauthenticate_webauthn",
        "account_reauthenticate",
        "account_change_password",
        "account_logout",
        "account_login",
        "logout",
        "login",
    }
)
_PROGRAMS = frozenset({"api", "dicom"})


def gave_second_factor(request: HttpRequest, user: User) -> bool:
    """Whether a code or a passkey was given in this session."""
    return any(one["method"] == "mfa" for one in get_authentication_records(request, user))


class SecondFactorRequired:
    """Leads to where a second factor is set up or given, before anything else opens."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> HttpResponseBase | None:
        user, match = request.user, request.resolver_match
        if not isinstance(user, User) or match is None or match.url_name in _OPEN:
            return None
        if not must_have_second_factor(user) or gave_second_factor(request, user):
            return None
        return _lead(request, user, for_program=match.app_name in _PROGRAMS)


def _lead(request: HttpRequest, user: User, *, for_program: bool) -> HttpResponseBase:
    has_one = has_second_factor(user)
    said = (
        _("Give your second factor to go on.")
        if has_one
        else _("Your roles see participant data. Set up a second factor to go on.")
    )
    if for_program or "HX-Request" in request.headers:
        problem = {"title": "second factor", "status": 403, "detail": said}
        return JsonResponse(problem, status=403, content_type="application/problem+json")
    messages.warning(request, said)
    if not has_one:
        return redirect("mfa_index")
    methods = get_adapter().get_reauthentication_methods(user)
    place = next(one["url"] for one in methods if one["id"].startswith("mfa"))
    there = request.get_full_path() if request.method == "GET" else "/"
    return redirect(f"{place}?{urlencode({'next': there})}")
