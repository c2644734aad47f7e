"""Model releases: taken in, shown with everything they rest on, moved, handed out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from studyportal.core.errors import Refused
from studyportal.core.selectors import acts_on, history_of
from studyportal.sites.rules import Action
from studyportal.sites.selectors import may
from studyportal.syntheses.selectors import (
    facts_of_release,
    gate_of,
    job_counts,
    jobs_of_release,
    release_for,
    releases_visible_to,
)
from studyportal.syntheses.services import (
    hand_out_bundle,
    hand_out_release,
    import_release,
    move_release,
)
from studyportal.syntheses.states import MODEL_RELEASE, ReleaseStatus
from studyportal.web.answers import Attempt, acting, found, say_refusal
from studyportal.web.forms import ReasonForm, ReleaseForm

_JOBS_SHOWN = 10
_TWINS = "cascade3d"  # makes people that do not exist, so it is no bundle for CT

if TYPE_CHECKING:
    from studyportal.syntheses.models import ModelRelease


@require_GET
def releases(request: HttpRequest) -> HttpResponse:
    """Model releases and where each stands."""
    context = {
        "releases": releases_visible_to(request.user),
        "may_register": may(request.user, Action.REGISTER_RELEASE),
    }
    return render(request, "web/releases.html", context)


def release_import(request: HttpRequest) -> HttpResponse:
    """Take in a release that was made elsewhere, as one zip."""
    form = ReleaseForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        with Attempt(form.take) as tried:
            release = import_release(archive=form.cleaned_data["archive"], by=acting(request))
        if tried.succeeded:
            messages.success(
                request,
                _("Every digest is right. %(release)s is a candidate.") % {"release": release},
            )
            return redirect("web:release", release.pk)
    status = 422 if request.method == "POST" else 200
    return render(request, "web/release_import.html", {"form": form}, status=status)


@require_GET
def release_page(request: HttpRequest, release_id: UUID) -> HttpResponse:
    """One release with its card, digests and moves."""
    release = found(release_for(request.user, release_id))
    return _show_release(request, release, ReasonForm())


def _show_release(
    request: HttpRequest, release: ModelRelease, form: ReasonForm, *, status: int = 200
) -> HttpResponse:
    targets = MODEL_RELEASE.moves[ReleaseStatus(release.status)]
    may_register = may(request.user, Action.REGISTER_RELEASE)
    facts, jobs = facts_of_release(release), jobs_of_release(request.user, release)
    context = {
        "release": release,
        "facts": facts,
        "form": form,
        "gate": gate_of(release),
        "history": history_of(MODEL_RELEASE.name, release.pk),
        "downloads": acts_on("modelrelease", release.pk).filter(verb__startswith="hand_out"),
        "jobs": jobs[:_JOBS_SHOWN],
        "job_counts": job_counts(jobs),
        "makes_pet": release.family != _TWINS,
        "may_register": may_register,
        "targets": [t for t in ReleaseStatus if t in targets] if may_register else [],
    }
    return render(request, "web/release.html", context, status=status)


@require_POST
def release_move(request: HttpRequest, release_id: UUID) -> HttpResponse:
    """Move a release to another state, for a reason."""
    release = found(release_for(request.user, release_id))
    form = ReasonForm(request.POST)
    target = request.POST.get("target", "")
    if form.is_valid():
        with Attempt(form.take) as tried:
            if target not in set(ReleaseStatus):
                raise Refused(_("Choose where the release moves."))
            reason = form.cleaned_data["reason"]
            move_release(
                release=release, target=ReleaseStatus(target), reason=reason, by=acting(request)
            )
        if tried.succeeded:
            messages.success(request, _("The release moved, and the reason is kept."))
            return redirect("web:release", release.pk)
    return _show_release(request, release, form, status=422)


@require_POST
def release_download(request: HttpRequest, release_id: UUID) -> HttpResponseBase:
    """The zip of the release; who took it is kept."""
    release = found(release_for(request.user, release_id))
    return _handed_out(
        request, release, lambda: hand_out_release(release=release, by=acting(request)), ""
    )


@require_POST
def release_bundle(request: HttpRequest, release_id: UUID) -> HttpResponseBase:
    """The zip of the release as a MONAI bundle; who took it is kept."""
    release = found(release_for(request.user, release_id))
    return _handed_out(
        request, release, lambda: hand_out_bundle(release=release, by=acting(request)), "-bundle"
    )


def _handed_out(
    request: HttpRequest, release: ModelRelease, act: Callable[[], Path], suffix: str
) -> HttpResponseBase:
    with Attempt(lambda refusal: say_refusal(request, refusal)) as tried:
        path = act()
    if not tried.succeeded:
        return redirect("web:release", release.pk)
    name = f"{release.name}-{release.version}{suffix}.zip"
    return FileResponse(path.open("rb"), as_attachment=True, filename=name)
