"""Exports: requested, listed, downloaded, each download kept."""

from typing import Any
from uuid import UUID

from django import forms
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from studyportal.clinical.rules import Kind, Label
from studyportal.exports.rules import DATASETS, Dataset, guide_lines, numbers_of
from studyportal.exports.selectors import export_for, exports_visible_to
from studyportal.exports.services import download_export
from studyportal.exports.services import request_clinical_export as ask_for_clinical
from studyportal.exports.services import request_export as ask_for_export
from studyportal.exports.services import request_pairs_export as ask_for_pairs
from studyportal.exports.states import DataFormat
from studyportal.outcomes.selectors import run_for
from studyportal.sites.rules import Action
from studyportal.sites.selectors import sites_visible_to
from studyportal.tasks import dispatch
from studyportal.web.answers import Attempt, acting, do, found, paged, say_refusal
from studyportal.web.crf import said
from studyportal.web.forms import PortalForm
from studyportal.web.words import FORMAT_WORDS

KIND_WORDS = {
    Kind.CHOICE: Label("choice", "选项"),
    Kind.WHOLE: Label("whole number", "整数"),
    Kind.DECIMAL: Label("number", "数值"),
    Kind.DATE: Label("date", "日期"),
    Kind.PARTIAL_DATE: Label("partial date", "日期（可不完整）"),
    Kind.TEXT: Label("text", "文本"),
}


class ClinicalForm(PortalForm):
    """Which clinical data, in which format."""

    file_format = forms.ChoiceField(
        label=gettext_lazy("Format"), choices=[(one, FORMAT_WORDS[one]) for one in DataFormat]
    )
    site = forms.ChoiceField(label=gettext_lazy("Site"), required=False)
    labels = forms.ChoiceField(
        label=gettext_lazy("Language of the labels"), choices=[("en", "English"), ("zh", "中文")]
    )
    with_drafts = forms.BooleanField(
        label=gettext_lazy("Forms that are not complete, too"), required=False
    )


@require_GET
def exports(request: HttpRequest) -> HttpResponse:
    """Every export with its digest and state."""
    rows = exports_visible_to(request.user)
    sites = sites_visible_to(request.user, Action.EXPORT)
    chinese = (get_language() or "").startswith("zh")
    context = {
        "page": paged(request, rows),
        "sites": sites,
        "clinical": _clinical_form(request, initial={"labels": "zh" if chinese else "en"}),
    }
    return render(request, "web/exports.html", context)


def _clinical_form(request: HttpRequest, **options: Any) -> ClinicalForm:
    form = ClinicalForm(request.POST if request.method == "POST" else None, **options)
    codes = sites_visible_to(request.user, Action.EXPORT).values_list("code", flat=True)
    choices = [("", _("All sites")), *((code, code) for code in codes)]
    form.fields["site"].choices = choices  # type: ignore[attr-defined]  # a ChoiceField
    return form


@require_POST
def request_clinical(request: HttpRequest) -> HttpResponse:
    """Ask for the clinical data of a site, or of all, in one format."""
    form = _clinical_form(request)
    if not form.is_valid():
        rows = exports_visible_to(request.user)
        context = {"page": paged(request, rows), "clinical": form}
        context["sites"] = sites_visible_to(request.user, Action.EXPORT)
        return render(request, "web/exports.html", context, status=422)
    chosen = form.cleaned_data
    sites = sites_visible_to(request.user, Action.EXPORT)
    site = found(sites.filter(code=chosen["site"]).first()) if chosen["site"] else None

    def act() -> None:
        export = ask_for_clinical(
            file_format=DataFormat(chosen["file_format"]),
            site=site,
            language=chosen["labels"],
            with_drafts=chosen["with_drafts"],
            by=acting(request),
        )
        dispatch.build_export(export.pk)

    return do(request, act, said=_("The export is being built."), then=reverse("web:exports"))


@require_GET
def dictionary(request: HttpRequest) -> HttpResponse:
    """Every column of every table of clinical data, with its codes, and how each format holds it."""
    formats = [(FORMAT_WORDS[one], [said(line) for line in guide_lines(one)]) for one in DataFormat]
    tables = [_described(one) for one in DATASETS.values()]
    return render(request, "web/dictionary.html", {"tables": tables, "formats": formats})


def _described(dataset: Dataset) -> dict[str, Any]:
    short = dataset.short_names()
    rows = []
    for one in dataset.variables:
        numbers = numbers_of(one.codes)
        codes = [(numbers[code.value], code.value, said(code.label)) for code in one.codes]
        kind = said(KIND_WORDS[one.kind])
        rows.append((one.name, short[one.name], said(one.label), kind, one.unit, codes))
    return {"key": dataset.key, "title": said(dataset.title), "rows": rows}


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
