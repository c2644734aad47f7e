"""Case report forms: opened, filled in, completed, verified, corrected."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from studyportal.clinical.rules import FORMS
from studyportal.clinical.selectors import (
    form_for,
    forms_of,
    open_discrepancies,
    reconciliations_of,
    second_entry_of,
)
from studyportal.clinical.services import (
    Saved,
    add_row,
    complete_form,
    needs_second_entry,
    open_form,
    reasons_against_verifying,
    reopen_form,
    save_answers,
    verify_form,
    void_row,
)
from studyportal.clinical.states import CORRECTABLE, FormStatus
from studyportal.core.errors import Refused
from studyportal.core.selectors import acts_on
from studyportal.participants.selectors import participant_for
from studyportal.queries.selectors import queries_of
from studyportal.sites.rules import Action
from studyportal.sites.selectors import may
from studyportal.web.answers import Attempt, acting, do, found, say_refusal
from studyportal.web.crf import FormView, changes_in, mark, said, view_of
from studyportal.web.signing import signing_of, to_compare
from studyportal.web.withholding import withhold

if TYPE_CHECKING:
    from studyportal.clinical.models import Form

_ANYBODY = UUID(int=0)


def address_of(form: Form) -> str:
    """Where the form is filled in."""
    anybody = _address(form.kind, form.occurrence)
    return anybody.replace(str(_ANYBODY), str(form.participant_id))


@lru_cache(maxsize=1024)  # a page of the grid shows hundreds
def _address(kind: str, occurrence: int) -> str:
    return reverse("web:crf", args=[_ANYBODY, kind, occurrence])


def form_at(request: HttpRequest, participant_id: UUID, kind: str, occurrence: int) -> Form:
    """Return the form, or answer 404."""
    return found(form_for(request.user, participant_id, kind, occurrence))


@require_POST
def begin(request: HttpRequest, participant_id: UUID, kind: str) -> HttpResponse:
    """Open a form; one that is filled in again and again gets its next visit."""
    participant = found(participant_for(request.user, participant_id))
    definition = found(FORMS.get(kind))
    occurrence = 1
    if definition.repeats:
        occurrence += forms_of(participant).filter(kind=kind).count()
    form = open_form(participant=participant, kind=kind, by=acting(request), occurrence=occurrence)
    return redirect(address_of(form))


@require_GET
def page(request: HttpRequest, participant_id: UUID, kind: str, occurrence: int) -> HttpResponse:
    """One form on one page."""
    form = form_at(request, participant_id, kind, occurrence)
    return show(request, view_of(form))


def show(request: HttpRequest, view: FormView, *, status: int = 200) -> HttpResponse:
    """Render the page of a form."""
    form, site = view.form, view.form.participant.site
    enters = may(request.user, Action.ENTER_CLINICAL, site=site)
    verifies = may(request.user, Action.VERIFY_FORM, site=site)
    complete = form.status == FormStatus.COMPLETE
    may_second = enters and complete and _may_second(request, form)
    if may_second:
        withhold(view)
    context = {
        "view": view,
        "form": form,
        "participant": form.participant,
        "editable": enters and form.status == FormStatus.DRAFT,
        "may_reopen": enters and form.status in CORRECTABLE,
        "may_verify": verifies and complete,
        "against": reasons_against_verifying(form) if verifies and complete else [],
        "may_enter_second": may_second,
        "may_reconcile": complete and may(request.user, Action.RECONCILE_ENTRIES, site=site),
        "differences": len(open_discrepancies(form)),
        "reconciled": reconciliations_of(form),
        "second": second_entry_of(form),
        "queries": queries_of(request.user, form.participant.code).filter(subject_id=form.pk),
        "sees_queries": may(request.user, Action.SEE_QUERIES, site=site),
        "history": acts_on("form", form.pk).order_by("-at", "-id")[:30],
        "other_forms": _neighbours(form),
        "refused": status == 422,
        **signing_of(request, form),
        **(to_compare(form) if verifies and complete else {}),
    }
    return render(request, "web/crf.html", context, status=status)


def _may_second(request: HttpRequest, form: Form) -> bool:
    own = (form.completed_by_id, form.changed_by_id, form.opened_by_id)
    return request.user.pk not in own and needs_second_entry(form)


def _neighbours(form: Form) -> list[tuple[str, str, bool]]:
    """The participant's forms that were opened: address, title, whether it is this one."""
    return [
        (
            reverse("web:crf", args=[form.participant_id, one.kind, one.occurrence]),
            said(FORMS[one.kind].title) + (f" {one.occurrence}" if FORMS[one.kind].repeats else ""),
            one.pk == form.pk,
        )
        for one in sorted(
            forms_of(form.participant), key=lambda f: (list(FORMS).index(f.kind), f.occurrence)
        )
    ]


@require_POST
def save(request: HttpRequest, participant_id: UUID, kind: str, occurrence: int) -> HttpResponse:
    """Keep what was typed: one field by script as it is left, or the whole page by its button."""
    form = form_at(request, participant_id, kind, occurrence)
    by_script = bool(request.headers.get("HX-Request"))
    try:
        saved = save_answers(form=form, changes=changes_in(request.POST), by=acting(request))
    except Refused as refusal:
        if by_script:
            context = {"refusal": refusal, "form": form}
            return render(request, "web/partials/crf_refused.html", context, status=422)
        say_refusal(request, refusal)
        return show(request, view_of(form), status=422)
    view = view_of(saved.form)
    mark(view, saved)
    if by_script:
        emptied = [said(gone.label) for _unit, gone in saved.emptied]
        context = {"view": view, "saved": saved, "form": saved.form, "emptied": emptied}
        return render(request, "web/partials/crf_saved.html", context)
    return _after_saving(request, view, saved)


def _after_saving(request: HttpRequest, view: FormView, saved: Saved) -> HttpResponse:
    if saved.conflicts:
        messages.error(request, _("Somebody else changed some answers meanwhile; see below."))
        return show(request, view, status=422)
    messages.success(request, _("The answers are kept."))
    return redirect(address_of(saved.form))


@require_POST
def add(request: HttpRequest, participant_id: UUID, kind: str, occurrence: int) -> HttpResponse:
    """Add rows: a lesion, a specimen, stations."""
    form = form_at(request, participant_id, kind, occurrence)
    units = [unit for unit in request.POST.getlist("unit") if unit]

    def add_all() -> None:
        for unit in units:
            add_row(form=form, unit=unit, by=acting(request))

    with Attempt(lambda refusal: say_refusal(request, refusal)):
        add_all()
    place = f"#row-{units[0]}" if units else ""
    return redirect(address_of(form) + place)


@require_POST
def void(request: HttpRequest, participant_id: UUID, kind: str, occurrence: int) -> HttpResponse:
    """Let a row not count any more."""
    form = form_at(request, participant_id, kind, occurrence)
    unit, reason = request.POST.get("unit", ""), request.POST.get("reason", "")
    return do(
        request,
        lambda: void_row(form=form, unit=unit, reason=reason, by=acting(request)),
        said=_("The row does not count any more."),
        then=address_of(form),
    )


def _act(request: HttpRequest, form: Form, act: Callable[[], object], *, done: str) -> HttpResponse:
    return do(request, act, said=done, then=address_of(form))


@require_POST
def complete(
    request: HttpRequest, participant_id: UUID, kind: str, occurrence: int
) -> HttpResponse:
    """Say that the form is complete; what was typed without script is kept first."""
    form = form_at(request, participant_id, kind, occurrence)
    changes = changes_in(request.POST)
    if changes:
        with Attempt(lambda refusal: say_refusal(request, refusal)) as tried:
            saved = save_answers(form=form, changes=changes, by=acting(request))
            form = saved.form
        if not tried.succeeded:
            return show(request, view_of(form), status=422)
        if saved.conflicts:
            view = view_of(form)
            mark(view, saved)
            return _after_saving(request, view, saved)
    with Attempt(lambda _refusal: None) as tried:
        complete_form(form=form, by=acting(request))
    if not tried.succeeded:
        return _not_complete(request, form_at(request, participant_id, kind, occurrence))
    messages.success(request, _("%(form)s is complete.") % {"form": said(FORMS[kind].title)})
    return redirect(address_of(form))


def _not_complete(request: HttpRequest, form: Form) -> HttpResponse:
    """Every answer that stands in the way is named and linked."""
    view = view_of(form)
    if form.status != FormStatus.DRAFT:
        messages.error(request, _("The form is not being filled in any more."))
    return show(request, view, status=422)


@require_POST
def verify(request: HttpRequest, participant_id: UUID, kind: str, occurrence: int) -> HttpResponse:
    """Verify the whole form."""
    form = form_at(request, participant_id, kind, occurrence)
    return _act(
        request,
        form,
        lambda: verify_form(form=form, by=acting(request)),
        done=_("The whole form is verified."),
    )


@require_POST
def reopen(request: HttpRequest, participant_id: UUID, kind: str, occurrence: int) -> HttpResponse:
    """Reopen a form to correct it."""
    form = form_at(request, participant_id, kind, occurrence)
    reason = request.POST.get("reason", "")
    return _act(
        request,
        form,
        lambda: reopen_form(form=form, reason=reason, by=acting(request)),
        done=_("The form can be corrected. Complete it again afterwards."),
    )
