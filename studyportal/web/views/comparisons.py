"""Releases compared on the pairs of one cut: asked for, watched, read, taken as CSV."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from studyportal.exports.rules import as_csv
from studyportal.outcomes.selectors import (
    comparable_releases,
    compared_share,
    comparison_for,
    comparisons_visible_to,
    cut_for,
    is_open,
    results_of_comparison,
    unmeasured_compared,
)
from studyportal.outcomes.services import note_look, plan_comparison
from studyportal.outcomes.states import ComparisonStatus, CutStatus, Seen
from studyportal.sites.rules import Action
from studyportal.sites.selectors import may
from studyportal.tasks import dispatch
from studyportal.web.answers import Attempt, acting, found
from studyportal.web.forms import CompareForm

if TYPE_CHECKING:
    from studyportal.outcomes.models import DataCut, ReleaseComparison
    from studyportal.syntheses.models import ModelRelease

_ALIVE = frozenset({ComparisonStatus.PLANNED, ComparisonStatus.RUNNING})
_ROW = (
    "region", "quantity", "statistic", "release", "against", "value", "lower", "upper", "level",
    "unit", "n", "clusters", "missing", "method", "reason",
)  # fmt: skip
_TRACE = (
    "release_sha256",
    "against_sha256",
    "data_cut",
    "data_cut_id",
    "tables_sha256",
    "analysis_plan_sha256",
)


def compare(request: HttpRequest, cut_id: UUID) -> HttpResponse:
    """Choose releases that are compared on a cut; earlier comparisons stand below."""
    cut = found(cut_for(request.user, cut_id))
    candidates = comparable_releases(cut)
    form = CompareForm(request.POST or None, choices=_choices(cut, candidates))
    if request.method == "POST" and form.is_valid():
        chosen = [r for r, _count in candidates if str(r.pk) in form.cleaned_data["releases"]]
        with Attempt(form.take) as tried, transaction.atomic():
            comparison = plan_comparison(cut=cut, releases=chosen, by=acting(request))
            _send(comparison)
        if tried.succeeded:
            messages.success(request, _("The comparison is being made."))
            return redirect("web:comparison", comparison.pk)
    context = {
        "cut": cut,
        "form": form,
        "candidates": candidates,
        "may_compare": may(request.user, Action.RUN_EVALUATION) and cut.status != CutStatus.OPEN,
        "comparisons": comparisons_visible_to(request.user).filter(cut=cut),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "web/compare.html", context, status=status)


def _choices(cut: DataCut, candidates: list[tuple[ModelRelease, int]]) -> list[tuple[str, str]]:
    primary = _("release of the cut")
    return [
        (
            str(release.pk),
            f"{release} · {primary if release.pk == cut.release_id else _('exploratory')} · "
            + ngettext("%(n)s pair", "%(n)s pairs", count) % {"n": count},
        )
        for release, count in candidates
    ]


def _send(comparison: ReleaseComparison) -> None:
    for series in unmeasured_compared().filter(compared__comparison=comparison):
        dispatch.measure_compared(series.pk)


@require_GET
def comparison_page(request: HttpRequest, comparison_id: UUID) -> HttpResponse:
    """One comparison: progress while it works, then every number with its interval."""
    comparison = found(comparison_for(request.user, comparison_id))
    results = results_of_comparison(comparison)
    if results:
        note_look(cut=comparison.cut, what=Seen.COMPARISON, by=acting(request))
    context = {
        **_progress(comparison),
        "results": results,
        "whole": is_open(comparison.cut),
        "endpoints": _endpoints(results) if results else [],
        "chosen": [one.release for one in comparison.compared.all()],
    }
    return render(request, "web/comparison.html", context)


@require_GET
def comparison_progress(request: HttpRequest, comparison_id: UUID) -> HttpResponse:
    """How far the comparison is."""
    comparison = found(comparison_for(request.user, comparison_id))
    fresh = comparison.status == ComparisonStatus.COMPLETED
    context = {**_progress(comparison), "fresh": fresh}
    return render(request, "web/partials/comparison_progress.html", context)


def _progress(comparison: ReleaseComparison) -> dict[str, Any]:
    done, every = compared_share(comparison)
    alive = comparison.status in _ALIVE
    return {"comparison": comparison, "measured": done, "series": every, "alive": alive}


@dataclass(frozen=True)
class Endpoint:
    """One endpoint: what each release shows, and beside it the paired difference to the first."""

    head: dict[str, Any]
    difference: dict[str, Any]
    rows: list[tuple[dict[str, Any], dict[str, Any] | None]]


def _endpoints(results: dict[str, Any]) -> list[Endpoint]:
    """Rows by what they say; estimates and their differences follow each other in the results."""

    def place(row: dict[str, Any]) -> tuple[str, str, str]:
        return row["region"], row["quantity"], row["statistic"]

    groups = [list(rows) for _key, rows in groupby(results["rows"], key=place)]
    found = []
    for own, paired in zip(groups[::2], groups[1::2], strict=True):
        beside = {row["release"]: row for row in paired}
        rows = [(row, beside.get(row["release"])) for row in own]
        found.append(Endpoint(own[0], paired[0], rows))
    return found


@require_GET
def comparison_csv(request: HttpRequest, comparison_id: UUID) -> HttpResponse:
    """Every row with the digests it can be traced to."""
    comparison = found(comparison_for(request.user, comparison_id))
    results = found(results_of_comparison(comparison))
    note_look(cut=comparison.cut, what=Seen.COMPARISON_CSV, by=acting(request))
    digests = {release["name"]: release["sha256"] for release in results["releases"]}
    rows = [
        {
            **results["provenance"],
            **row,
            "release_sha256": digests[row["release"]],
            "against_sha256": digests.get(row["against"], ""),
        }
        for row in results["rows"]
    ]
    answer = HttpResponse(as_csv((*_ROW, *_TRACE), rows), content_type="text/csv; charset=utf-8")
    name = f"release-comparison-{str(comparison.pk)[:8]}.csv"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
