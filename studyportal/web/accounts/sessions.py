"""How long a session lasts: half an hour without an act, eight hours in all (21 CFR 11.10(d), ASVS 5.0 7.3)."""

from collections.abc import Callable
from enum import StrEnum

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.urls import Resolver404, resolve, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from studyportal.core import clock
from studyportal.core.models import User
from studyportal.core.services import record

BEGAN, SEEN = "portal_began", "portal_seen"
_WRITE_EVERY_SECONDS = 30  # an act within so long of the last one is not worth a write
# What pages fetch by themselves is no act of a person and keeps no session alive.
_FETCHED_BY_PAGES = frozenset(
    {"jobs_now", "job_progress", "run_progress", "comparison_progress", "upload_verdict"}
)


class Ended(StrEnum):
    """Why a session is over."""

    IDLE = "idle"
    TOO_LONG = "too_long"


def session_over(
    *, began: float, seen: float, now: float, idle_seconds: int, absolute_seconds: int
) -> Ended | None:
    """Why a session of these moments is over at `now`; None while it lasts."""
    if now - began >= absolute_seconds:
        return Ended.TOO_LONG
    return Ended.IDLE if now - seen >= idle_seconds else None


class SessionLimits:
    """Nobody acts in a session that has lasted too long; the end is said and kept in the audit trail."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        user = request.user
        if not isinstance(user, User):
            return self.get_response(request)
        now = clock.now().timestamp()
        began = request.session.setdefault(BEGAN, now)
        seen = request.session.setdefault(SEEN, now)
        over = session_over(
            began=began,
            seen=seen,
            now=now,
            idle_seconds=settings.SESSION_IDLE_SECONDS,
            absolute_seconds=settings.SESSION_ABSOLUTE_SECONDS,
        )
        if over:
            return _ended(request, user, over)
        if now - seen >= _WRITE_EVERY_SECONDS and not _fetched_by_page(request):
            request.session[SEEN] = now
        return self.get_response(request)


def _fetched_by_page(request: HttpRequest) -> bool:
    try:
        return resolve(request.path_info).url_name in _FETCHED_BY_PAGES
    except Resolver404:
        return True


def _ended(request: HttpRequest, user: User, over: Ended) -> HttpResponse:
    """The person is signed out and reads why; scripts get 401, which they put into words."""
    logout(request)
    record("end_session", user, f"The session of {user.username} ended: {over.value}.", by=None)
    said = {
        Ended.IDLE: _(
            "You were signed out because nothing was done for a while. Sign in to go on."
        ),
        Ended.TOO_LONG: _(
            "You were signed out because the session had lasted long. Sign in to go on."
        ),
    }[over]
    if "HX-Request" in request.headers or not request.accepts("text/html"):
        return JsonResponse({"title": "signed out", "status": 401, "detail": said}, status=401)
    messages.warning(request, said)
    there = request.get_full_path() if request.method == "GET" else reverse("web:home")
    return redirect(f"{reverse('web:login')}?{urlencode({'next': there})}")
