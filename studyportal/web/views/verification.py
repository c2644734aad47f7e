"""Source data verification: how far each site is, what comes next, the plan of a site, and its draw."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from studyportal.clinical.rules import FORMS, STEP_PERCENT, VerifiedScope, default_critical
from studyportal.clinical.selectors import (
    as_tasks,
    draw_is_the_same,
    drawn_of,
    forms_to_verify,
    plan_in_force,
    plans_visible_to,
    verification_progress,
)
from studyportal.clinical.services import plan_verification
from studyportal.sites.rules import Action
from studyportal.sites.selectors import may, sites_visible_to
from studyportal.web.answers import Attempt, acting, found, paged
from studyportal.web.crf import said
from studyportal.web.forms import PortalForm
from studyportal.web.signing import title_of
from studyportal.web.views.crf import address_of


class PlanForm(PortalForm):
    """How much of a site's forms is compared with the sources."""

    share_percent = forms.TypedChoiceField(
        label=gettext_lazy("Participants whose forms are compared whole (%)"),
        choices=[(n, f"{n} %") for n in range(0, 101, STEP_PERCENT)],
        coerce=int,
    )
    critical = forms.MultipleChoiceField(
        label=gettext_lazy("Compared for everybody"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    reason = forms.CharField(
        label=gettext_lazy("Why the plan is so"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["critical"]
        choice.choices = [  # type: ignore[attr-defined]  # a choice field
            (f"{form.key}.{field.name}", said(field.label))
            for form in FORMS.values()
            for field in form.entered
        ]


@require_GET
def worklist(request: HttpRequest) -> HttpResponse:
    """How far each site is, and the forms to verify next."""
    site = request.GET.get("site", "")
    progress = verification_progress(request.user)
    number = sum(one.waiting for one in progress if site in ("", one.site.code))
    page = paged(request, forms_to_verify(request.user, site=site), size=25, number=number)
    tasks = as_tasks(list(page))
    context = {
        "progress": [
            (one, [(scope, one.by_scope[scope]) for scope in VerifiedScope]) for one in progress
        ],
        "page": page,
        "lines": [
            (task, title_of(task.form), address_of(task.form), [said(f.label) for f in task.fields])
            for task in tasks
        ],
        "sites": sites_visible_to(request.user, Action.VERIFY_FORM),
        "site": site,
        "may_plan": may(request.user, Action.PLAN_VERIFICATION),
    }
    return render(request, "web/verification.html", context)


@require_GET
def draw(request: HttpRequest, code: str) -> HttpResponse:
    """The plan of a site with its draw, drawn again and compared, and the plans before it."""
    sites = sites_visible_to(request.user, Action.VERIFY_FORM)
    site = found(sites.filter(code=code).first())
    plans = list(plans_visible_to(request.user).filter(site=site))
    current = next((plan for plan in plans if plan.superseded_at is None), None)
    page = paged(request, drawn_of(current), size=100) if current else None
    context = {
        "site": site,
        "plan": current,
        "former": [plan for plan in plans if plan.superseded_at is not None],
        "page": page,
        "same": current is None or draw_is_the_same(current),
        "critical": _named(current.critical) if current else [],
        "may_plan": may(request.user, Action.PLAN_VERIFICATION, site=site),
    }
    return render(request, "web/verification_draw.html", context)


def _named(critical: list[str]) -> list[str]:
    """What people call these fields; one that a later version of its form lacks keeps its key."""
    words = {
        f"{form.key}.{field.name}": f"{said(form.title)}: {said(field.label)}"
        for form in FORMS.values()
        for field in form.fields
    }
    return [words.get(name, name) for name in critical]


def plan(request: HttpRequest, code: str) -> HttpResponse:
    """Put another plan in force at a site."""
    sites = sites_visible_to(request.user, Action.PLAN_VERIFICATION)
    site = found(sites.filter(code=code).first())
    current = plan_in_force(site)
    form = PlanForm(
        request.POST or None,
        initial={
            "share_percent": current.share_percent if current else 20,
            "critical": current.critical if current else default_critical(),
        },
    )
    if request.method == "POST" and form.is_valid():
        with Attempt(form.take) as tried:
            plan_verification(site=site, by=acting(request), **form.cleaned_data)
        if tried.succeeded:
            messages.success(request, _("The plan is in force, and everybody so far is drawn."))
            return redirect("web:verification_draw", site.code)
    context = {"form": form, "site": site, "plan": current, "groups": _groups(form)}
    return render(
        request, "web/verification_plan.html", context, status=422 if form.is_bound else 200
    )


def _groups(form: PlanForm) -> list[tuple[str, list[Any]]]:
    """The boxes of critical fields by form."""
    found: dict[str, list[Any]] = {key: [] for key in FORMS}
    for box in form["critical"]:
        found[str(box.data["value"]).partition(".")[0]].append(box)
    return [(said(FORMS[key].title), boxes) for key, boxes in found.items()]
