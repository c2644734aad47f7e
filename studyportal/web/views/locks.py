"""Freezes and locks of data: what stands, who lifts it, and what stood before."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from studyportal.sites.rules import Action, LockKind
from studyportal.sites.selectors import (
    holds_for_study,
    lock_for,
    locks_visible_to,
    sites_visible_to,
)
from studyportal.sites.services import ask_unlock, decline_unlock, lift_lock, lock_data
from studyportal.sites.states import LockStatus
from studyportal.web.answers import acting, do, found, paged

_KINDS = {kind.value: kind for kind in LockKind}


@require_GET
def locks(request: HttpRequest) -> HttpResponse:
    """What stands, and what stood."""
    rows = locks_visible_to(request.user)
    context = {
        "standing": rows.exclude(status=LockStatus.LIFTED),
        "page": paged(request, rows.filter(status=LockStatus.LIFTED)),
        "sites": sites_visible_to(request.user, Action.LOCK_DATA),
        "whole_study": holds_for_study(request.user, Action.LOCK_DATA),
    }
    return render(request, "web/locks.html", context)


@require_POST
def place(request: HttpRequest) -> HttpResponse:
    """Freeze or lock a site, or the study."""
    code = request.POST.get("site", "")
    sites = sites_visible_to(request.user, Action.LOCK_DATA)
    site = found(sites.filter(code=code).first()) if code else None
    kind = found(_KINDS.get(request.POST.get("kind", "")))
    why, by = request.POST.get("why", ""), acting(request)
    return do(
        request,
        lambda: lock_data(site=site, kind=kind, why=why, by=by),
        said=_("From now on nobody changes these data."),
        then="web:locks",
    )


@require_POST
def ask(request: HttpRequest, lock_id: UUID) -> HttpResponse:
    """Ask a second person to lift a lock."""
    return _act(request, lock_id, ask_unlock, _("A second person is asked to lift the lock."))


@require_POST
def decline(request: HttpRequest, lock_id: UUID) -> HttpResponse:
    """Let the lock stand."""
    return _act(request, lock_id, decline_unlock, _("The lock stands on."))


@require_POST
def lift(request: HttpRequest, lock_id: UUID) -> HttpResponse:
    """Lift a freeze, or a lock that somebody else asked to be lifted."""
    return _act(request, lock_id, lift_lock, _("The data can be changed again."))


def _act(
    request: HttpRequest, lock_id: UUID, service: Callable[..., object], said: str
) -> HttpResponse:
    lock = found(lock_for(request.user, lock_id))
    why, by = request.POST.get("why", ""), acting(request)
    return do(request, lambda: service(lock=lock, why=why, by=by), said=said, then="web:locks")
