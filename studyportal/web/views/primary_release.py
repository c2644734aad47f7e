"""Naming the release of the primary analysis."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from studyportal.syntheses.selectors import release_for
from studyportal.syntheses.services import name_primary_release
from studyportal.web.answers import Attempt, acting, found, say_refusal
from studyportal.web.forms import PrimaryReleaseForm


@require_POST
def name_primary(request: HttpRequest, release_id: UUID) -> HttpResponse:
    """Tie the primary analysis to this release, for a reason."""
    release = found(release_for(request.user, release_id))
    form = PrimaryReleaseForm(request.POST, prefix="primary")
    if not form.is_valid():
        messages.error(request, _("Give a seed and a reason."))
        return redirect("web:release", release.pk)
    with Attempt(lambda refusal: say_refusal(request, refusal)) as tried:
        name_primary_release(release=release, by=acting(request), **form.cleaned_data)
    if tried.succeeded:
        said = _("The primary analysis is tied to this release, and the reason is kept.")
        messages.success(request, said)
    return redirect("web:release", release.pk)
