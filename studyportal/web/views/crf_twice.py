"""The second entry of a form, and the page on which differences between the two entries are settled."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from studyportal.clinical.rules import FORMS, asked_twice
from studyportal.clinical.selectors import (
    open_discrepancies,
    reconciliations_of,
    rows_of,
    second_entry_of,
)
from studyportal.clinical.services import enter_second, needs_second_entry, reconcile
from studyportal.core.errors import Refused
from studyportal.sites.rules import Action
from studyportal.sites.selectors import may
from studyportal.web.answers import Attempt, acting, found, say_refusal
from studyportal.web.crf import FieldView, RowView, answers_in, difference_view, said
from studyportal.web.views.crf import address_of, form_at


def second(request: HttpRequest, participant_id: UUID, kind: str, occurrence: int) -> HttpResponse:
    """Enter the named fields a second time; the page never holds the first entry."""
    form = form_at(request, participant_id, kind, occurrence)
    found(needs_second_entry(form) or None)
    typed = answers_in(request.POST)
    refused: list[Refused] = []
    if request.method == "POST":
        with Attempt(refused.append) as tried:
            enter_second(form=form, answers=typed, by=acting(request))
        if tried.succeeded:
            messages.success(request, _("The second entry is kept."))
            return redirect(address_of(form))
    definition = FORMS[kind]
    rows: dict[str, list[FieldView]] = {}
    for unit, field in asked_twice(definition, rows_of(form)):
        stands = typed.get(unit, {}).get(field.name, "")
        rows.setdefault(unit, []).append(FieldView(field, unit, stands, asked=True))
    context = {
        "form": form,
        "participant": form.participant,
        "title": said(definition.title),
        "rows": [RowView(u, said(definition.unit_label(u)), views) for u, views in rows.items()],
        "reasons": [reason for refusal in refused for reason in refusal.reasons],
    }
    return render(request, "web/crf_second.html", context, status=422 if refused else 200)


def settle(request: HttpRequest, participant_id: UUID, kind: str, occurrence: int) -> HttpResponse:
    """Settle differences between the two entries, one after the other."""
    form = form_at(request, participant_id, kind, occurrence)
    found(second_entry_of(form))
    if request.method == "POST":
        unit, _sep, name = request.POST.get("place", "").rpartition(":")
        with Attempt(lambda refusal: say_refusal(request, refusal)) as tried:
            reconcile(
                form=form,
                unit="" if unit == "-" else unit,
                field=name,
                take_second=request.POST.get("take") == "second",
                reason=request.POST.get("reason", ""),
                by=acting(request),
            )
        if tried.succeeded:
            messages.success(request, _("The difference is settled."))
        return redirect(request.path)
    definition = FORMS[kind]
    context = {
        "form": form,
        "participant": form.participant,
        "title": said(definition.title),
        "differences": [difference_view(definition, one) for one in open_discrepancies(form)],
        "reconciled": reconciliations_of(form),
        "second": second_entry_of(form),
        "may_settle": may(request.user, Action.RECONCILE_ENTRIES, site=form.participant.site),
    }
    return render(request, "web/crf_reconcile.html", context)
