"""The inbox: images that came over the network, and to whom they belong."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from studyportal.core.errors import Refused
from studyportal.imaging.selectors import (
    arrival_for,
    conflict_for,
    conflicts_open_to,
    inbox_of,
)
from studyportal.imaging.services import assign_arrival, discard_arrival, settle_conflict
from studyportal.participants.selectors import participants_visible_to
from studyportal.participants.states import ParticipantStatus
from studyportal.sites.rules import Action
from studyportal.sites.selectors import sites_visible_to
from studyportal.tasks import dispatch
from studyportal.web.answers import Attempt, acting, do, found, paged, say_refusal


@require_http_methods(["GET", "POST"])
def inbox(request: HttpRequest) -> HttpResponse:
    """What came and asks for somebody; a hospital's patient number, sent and not kept, narrows it down."""
    number = request.POST.get("patient", "").strip()[:64]
    context = {
        "page": paged(request, inbox_of(request.user, patient_id=number)),
        "narrowed": bool(number),
        "conflicts": conflicts_open_to(request.user),
        "several_sites": sites_visible_to(request.user, Action.SORT_INBOX).count() > 1,
    }
    return render(request, "web/inbox.html", context)


@require_POST
def assign(request: HttpRequest, arrival_id: UUID) -> HttpResponse:
    """Give the images to a participant and have them checked."""
    arrival = found(arrival_for(request.user, arrival_id))
    code = request.POST.get("participant", "").strip()
    enrolled = participants_visible_to(request.user).filter(
        site=arrival.site, status=ParticipantStatus.ENROLLED
    )
    participant = enrolled.filter(code__iexact=code).first()
    with Attempt(lambda refusal: say_refusal(request, refusal)) as tried:
        if participant is None:
            raise Refused(
                _("There is no enrolled participant “%(code)s” at %(site)s.")
                % {"code": code[:20], "site": arrival.site.code}
            )
        series = assign_arrival(arrival=arrival, participant=participant, by=acting(request))
    if not tried.succeeded:
        return redirect("web:inbox")
    dispatch.check_series(series.pk)
    return redirect("web:upload", series.pk)


@require_POST
def discard(request: HttpRequest, arrival_id: UUID) -> HttpResponse:
    """Delete the images, so that they can be sent anew."""
    arrival = found(arrival_for(request.user, arrival_id))
    reason = request.POST.get("reason", "")
    return do(
        request,
        lambda: discard_arrival(arrival=arrival, reason=reason, by=acting(request)),
        said=_("The images are deleted; they can be sent again."),
        then=reverse("web:inbox"),
    )


@require_POST
def settle(request: HttpRequest, conflict_id: UUID) -> HttpResponse:
    """Say which of two images is right."""
    conflict = found(conflict_for(request.user, conflict_id))
    reason = request.POST.get("reason", "")
    return do(
        request,
        lambda: settle_conflict(conflict=conflict, reason=reason, by=acting(request)),
        said=_("The conflict is settled, and the reason is kept."),
        then=reverse("web:inbox"),
    )
