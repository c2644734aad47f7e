"""Exports: requested, listed, downloaded, each download kept."""

from uuid import UUID

from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from studyportal.exports.selectors import export_for, exports_visible_to
from studyportal.exports.services import download_export
from studyportal.exports.services import request_export as ask_for_export
from studyportal.exports.services import request_pairs_export as ask_for_pairs
from studyportal.outcomes.selectors import run_for
from studyportal.sites.rules import Action
from studyportal.sites.selectors import sites_visible_to
from studyportal.tasks import dispatch
from studyportal.web.answers import Attempt, acting, do, found, paged, say_refusal


@require_GET
def exports(request: HttpRequest) -> HttpResponse:
    """Every export with its digest and state."""
    rows = exports_visible_to(request.user)
    sites = sites_visible_to(request.user, Action.EXPORT)
    return render(request, "web/exports.html", {"page": paged(request, rows), "sites": sites})


@require_POST
def request_pairs(request: HttpRequest) -> HttpResponse:
    """Ask for the ready pairs of a site, or of all, as training images."""
    code = request.POST.get("site", "")
    sites = sites_visible_to(request.user, Action.EXPORT)
    site = found(sites.filter(code=code).first()) if code else None

    def act() -> None:
        reason = request.POST.get("reason", "")
        export = ask_for_pairs(site=site, reason=reason, by=acting(request))
        dispatch.build_export(export.pk)

    return do(request, act, said=_("The export is being built."), then=reverse("web:exports"))


@require_POST
def request_export(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Ask for an export of a completed run."""
    run = found(run_for(request.user, run_id))

    def act() -> None:
        dispatch.build_export(ask_for_export(run=run, by=acting(request)).pk)

    return do(request, act, said=_("The export is being built."), then=reverse("web:exports"))


@require_POST
def download(request: HttpRequest, export_id: UUID) -> HttpResponseBase:
    """Hand out the zip; who took it is kept."""
    export = found(export_for(request.user, export_id))
    with Attempt(lambda refusal: say_refusal(request, refusal)) as tried:
        path = download_export(export=export, by=acting(request))
    if not tried.succeeded:
        return redirect("web:exports")
    name = f"studyportal-{export.archive_sha256[:12]}.zip"
    return FileResponse(
        path.open("rb"), as_attachment=True, filename=name, content_type="application/zip"
    )
