"""Five wrong passwords lock a person's account for one address; the lock is said plainly and kept in the trail."""

from typing import Any

from allauth.core.internal.httpkit import get_client_ip
from axes.handlers.database import AxesDatabaseHandler
from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from studyportal.core.models import User
from studyportal.core.services import record

LOCKED_STATUS = 429


def client_address(request: HttpRequest) -> str:
    """The address of the person, read behind the proxies that the installation names."""
    return get_client_ip(request) or ""


def one_spelling(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """The user name as it is counted: capitals and spaces give nobody more attempts.

    Django names it `username`; django-axes asks beforehand under the name of the form's field.
    """
    field = settings.AXES_USERNAME_FORM_FIELD
    given = credentials or {}
    typed = given.get("username") or given.get(field) or request.POST.get(field, "")
    return str(typed).strip().lower()


class RecordedLockOut(AxesDatabaseHandler):
    """Counts like django-axes; a lock is an event of the audit trail (21 CFR 11.300(d))."""

    def user_login_failed(
        self, sender: Any, credentials: dict[str, Any], request: Any = None, **kwargs: Any
    ) -> None:
        was_locked = bool(getattr(request, "axes_locked_out", False))
        super().user_login_failed(sender, credentials, request, **kwargs)
        if request is None or was_locked or not request.axes_locked_out:
            return
        user = User.objects.filter(username__iexact=one_spelling(request, credentials)).first()
        if user is not None:
            record(
                "lock_out",
                user,
                f"{user.username} was locked out after {settings.AXES_FAILURE_LIMIT} wrong passwords.",
                by=None,
            )


def count_failure(request: HttpRequest, user: User) -> None:
    """One more wrong proof of this person counts towards the lock."""
    AxesProxyHandler.user_login_failed(
        sender=__name__, credentials={"username": user.username}, request=request
    )


def is_locked(request: HttpRequest, user: User) -> bool:
    """Whether this person may not prove who they are from this address now."""
    return not AxesProxyHandler.is_allowed(request, {"username": user.username})


def locked_page(
    request: HttpRequest,
    response: HttpResponse | None = None,  # noqa: ARG001 django-axes passes it
    credentials: Any = None,  # noqa: ARG001
) -> HttpResponse:
    """Say that the account is locked, and for how long."""
    minutes = int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)
    match = request.resolver_match
    if (match and match.app_name in {"api", "dicom"}) or not request.accepts("text/html"):
        problem = {
            "type": "urn:studyportal:locked",
            "title": "locked",
            "status": LOCKED_STATUS,
            "detail": f"Too many wrong attempts. Try again in {minutes} minutes.",
        }
        answer: HttpResponse = JsonResponse(
            problem, status=LOCKED_STATUS, content_type="application/problem+json"
        )
    else:
        answer = render(request, "web/locked.html", {"minutes": minutes}, status=LOCKED_STATUS)
    answer["Retry-After"] = str(minutes * 60)
    return answer
