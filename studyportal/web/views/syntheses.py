"""Model releases."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from studyportal.core.errors import Refused
from studyportal.core.selectors import history_of
from studyportal.sites.rules import Action
from studyportal.sites.selectors import may
from studyportal.syntheses.selectors import release_for, releases_visible_to
from studyportal.syntheses.services import move_release
from studyportal.syntheses.states import MODEL_RELEASE, ReleaseStatus
from studyportal.web.answers import Attempt, acting, found
from studyportal.web.forms import ReasonForm

if TYPE_CHECKING:
    from studyportal.syntheses.models import ModelRelease


@require_GET
def releases(request: HttpRequest) -> HttpResponse:
    """Model releases and where each stands."""
    return render(request, "web/releases.html", {"releases": releases_visible_to(request.user)})


@require_GET
def release_page(request: HttpRequest, release_id: UUID) -> HttpResponse:
    """One release with its card, digests and moves."""
    release = found(release_for(request.user, release_id))
    return _show_release(request, release, ReasonForm())


def _show_release(
    request: HttpRequest, release: ModelRelease, form: ReasonForm, *, status: int = 200
) -> HttpResponse:
    targets = MODEL_RELEASE.moves[ReleaseStatus(release.status)]
    context = {
        "release": release,
        "form": form,
        "history": history_of(MODEL_RELEASE.name, release.pk),
        "targets": [target for target in ReleaseStatus if target in targets]
        if may(request.user, Action.REGISTER_RELEASE)
        else [],
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
