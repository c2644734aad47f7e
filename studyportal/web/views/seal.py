"""Analysis points of a cut: who asks to open its results, who opens them, who looked; and the index tests."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from studyportal.outcomes.selectors import (
    analysis_points,
    cut_for,
    index_test_for,
    index_tests_visible_to,
    looks_at,
    opening_for,
    openings_of,
)
from studyportal.outcomes.services import (
    ask_opening,
    decline_opening,
    lock_index_test,
    open_results,
)
from studyportal.sites.rules import Action
from studyportal.sites.selectors import may
from studyportal.web.answers import acting, do, found, paged


@require_GET
def seal(request: HttpRequest, cut_id: UUID) -> HttpResponse:
    """Every analysis point of the plan of a cut, whether it is opened, and who looked."""
    cut = found(cut_for(request.user, cut_id))
    latest = {opening.point: opening for opening in openings_of(cut)}
    context = {
        "cut": cut,
        "points": [(one, latest.get(one.id)) for one in analysis_points(cut)],
        "may_open": may(request.user, Action.OPEN_RESULTS),
        "page": paged(request, looks_at(cut)),
    }
    return render(request, "web/seal.html", context)


@require_POST
def ask(request: HttpRequest, cut_id: UUID) -> HttpResponse:
    """Ask a second person to open an analysis point."""
    cut = found(cut_for(request.user, cut_id))
    point, why = request.POST.get("point", ""), request.POST.get("why", "")
    by = acting(request)
    return do(
        request,
        lambda: ask_opening(cut=cut, point=point, why=why, by=by),
        said=_("A second person is asked to open it."),
        then=reverse("web:seal", args=[cut.pk]),
    )


@require_POST
def open_point(request: HttpRequest, opening_id: UUID) -> HttpResponse:
    """Open an analysis point that somebody else asked for."""
    opening = found(opening_for(request.user, opening_id))
    why, by = request.POST.get("why", ""), acting(request)
    return do(
        request,
        lambda: open_results(opening=opening, why=why, by=by),
        said=_("The results of this point are open."),
        then=reverse("web:seal", args=[opening.cut_id]),
    )


@require_POST
def decline(request: HttpRequest, opening_id: UUID) -> HttpResponse:
    """Let the results stay sealed."""
    opening = found(opening_for(request.user, opening_id))
    why, by = request.POST.get("why", ""), acting(request)
    return do(
        request,
        lambda: decline_opening(opening=opening, why=why, by=by),
        said=_("The results stay sealed."),
        then=reverse("web:seal", args=[opening.cut_id]),
    )


@require_GET
def index_tests(request: HttpRequest) -> HttpResponse:
    """Every registered index test with its cut-offs, its digest, and when it was locked."""
    context = {
        "tests": index_tests_visible_to(request.user),
        "may_lock": may(request.user, Action.FREEZE_CUT),
    }
    return render(request, "web/index_tests.html", context)


@require_POST
def lock_test(request: HttpRequest, test_id: UUID) -> HttpResponse:
    """Lock an index test."""
    test, by = found(index_test_for(request.user, test_id)), acting(request)
    return do(
        request,
        lambda: lock_index_test(test=test, by=by),
        said=_("The index test is locked."),
        then="web:index_tests",
    )
