"""Forms of many participants: the grid, templates to fill in, and the import of filled-in ones."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from studyportal.clinical.rules import FORMS
from studyportal.clinical.selectors import forms_visible_to
from studyportal.clinical.services import import_forms, import_odm, template_of
from studyportal.core.errors import Reason
from studyportal.participants.selectors import participants_visible_to
from studyportal.sites.rules import Action
from studyportal.sites.selectors import may, sites_visible_to
from studyportal.web.answers import Attempt, acting, found, paged
from studyportal.web.crf import said
from studyportal.web.forms import PortalForm
from studyportal.web.views.crf import address_of

_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class TableForm(PortalForm):
    """A filled-in template."""

    kind = forms.ChoiceField(label=gettext_lazy("Form"))
    table = forms.FileField(
        label=gettext_lazy("Table (CSV or XLSX)"),
        widget=forms.FileInput(attrs={"accept": ".csv,.xlsx"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["kind"]
        choice.choices = [(key, said(form.title)) for key, form in FORMS.items()]  # type: ignore[attr-defined]  # a ChoiceField


class OdmForm(PortalForm):
    """A file of another system."""

    odm = forms.FileField(
        label=gettext_lazy("File (CDISC ODM-XML 1.3)"),
        widget=forms.FileInput(attrs={"accept": ".xml"}),
    )


@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """Participants × forms, each cell the status of a form."""
    site = request.GET.get("site", "")
    people = participants_visible_to(request.user).exclude(status="screen_failed")
    if site:
        people = people.filter(site__code=site)
    shown = paged(request, people, size=25)
    cells: dict[Any, dict[str, list[Any]]] = {}
    opened = forms_visible_to(request.user).filter(participant__in=list(shown)).select_related(None)
    for form in opened.only("participant", "kind", "occurrence", "status"):
        cell = cells.setdefault(form.participant_id, {}).setdefault(form.kind, [])
        cell.append((address_of(form), form.status))
    context = {
        "titles": [said(form.title) for form in FORMS.values()],
        "page": shown,
        "lines": [
            (person, [cells.get(person.pk, {}).get(kind, []) for kind in FORMS]) for person in shown
        ],
        "sites": sites_visible_to(request.user, Action.SEE_PARTICIPANTS),
        "site": site,
        "may_enter": may(request.user, Action.ENTER_CLINICAL),
        "may_verify": may(request.user, Action.VERIFY_FORM),
    }
    return render(request, "web/crf_overview.html", context)


@require_GET
def template(_request: HttpRequest, kind: str, ending: str) -> HttpResponse:
    """The empty template of a form."""
    content = found(template_of(kind, ending))
    answer = HttpResponse(content, content_type=_TYPES[ending])
    answer["Content-Disposition"] = f'attachment; filename="{kind}.{ending}"'
    return answer


def take(request: HttpRequest) -> HttpResponse:
    """Import a filled-in template, or say line by line what is wrong with it."""
    form = TableForm(request.POST or None, request.FILES or None)
    reasons: list[Reason] = []
    if request.method == "POST" and form.is_valid():
        table, kind = form.cleaned_data["table"], form.cleaned_data["kind"]
        with Attempt(lambda refusal: reasons.extend(refusal.reasons)) as tried:
            done = import_forms(
                kind=kind, content=table.read(), name=table.name, by=acting(request)
            )
        if tried.succeeded:
            said_words = _("%(rows)s rows are kept on %(forms)s forms; %(complete)s are complete.")
            messages.success(request, said_words % vars(done))
            return redirect("web:crf_overview")
    return _import_page(request, form, OdmForm(), reasons)


@require_POST
def take_odm(request: HttpRequest) -> HttpResponse:
    """Import a file in ODM-XML, or say line by line what is wrong with it."""
    form = OdmForm(request.POST, request.FILES)
    reasons: list[Reason] = []
    if form.is_valid():
        file = form.cleaned_data["odm"]
        with Attempt(lambda refusal: reasons.extend(refusal.reasons)) as tried:
            done = import_odm(content=file.read(), name=file.name, by=acting(request))
        if tried.succeeded:
            said_words = _(
                "%(rows)s rows are kept on %(forms)s forms; %(complete)s are complete. "
                "%(derived)s rows follow from the forms and were not taken in."
            )
            messages.success(request, said_words % vars(done))
            return redirect("web:crf_overview")
    return _import_page(request, TableForm(), form, reasons)


def _import_page(
    request: HttpRequest, form: TableForm, odm: OdmForm, reasons: list[Reason]
) -> HttpResponse:
    context = {
        "form": form if form.is_bound or not odm.is_bound else odm,
        "table_form": form,
        "odm_form": odm,
        "reasons": reasons[:200],
        "more": max(0, len(reasons) - 200),
        "kinds": [(key, said(one.title), said(one.guide)) for key, one in FORMS.items()],
    }
    return render(
        request, "web/crf_import.html", context, status=422 if request.method == "POST" else 200
    )
