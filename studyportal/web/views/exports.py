"""Exports: requested, listed, downloaded, each download kept."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from studyportal.exports.selectors import export_for, exports_visible_to
from studyportal.exports.services import download_export
from studyportal.exports.services import request_export as ask_for_export
from studyportal.outcomes.selectors import run_for
from studyportal.tasks import dispatch
from studyportal.web.answers import Attempt, acting, do, found, paged, say_refusal


@require_GET
def exports(request: HttpRequest) -> HttpResponse:
    """Every export with its digest and state."""
    rows = exports_visible_to(request.user)
    return render(request, "web/exports.html", {"page": paged(request, rows)})


@require_POST
def request_export(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Ask for an export of a completed run."""
    run = found(run_for(request.user, run_id))

    def act() -> None:
        dispatch.build_export(ask_for_export(run=run, by=acting(request)).pk)

    return do(request, act, said=_("The export is being built."), then=reverse("web:exports"))


@require_POST
def download(request: HttpRequest, export_id: UUID) -> HttpResponse:
    """Hand out the zip; who took it is kept."""
    export = found(export_for(request.user, export_id))
    with Attempt(lambda refusal: say_refusal(request, refusal)) as tried:
        body = download_export(export=export, by=acting(request))
    if not tried.succeeded:
        return redirect("web:exports")
    name = f"studyportal-{export.archive_sha256[:12]}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(body, content_type="application/zip", headers=headers)
