"""Data cuts, evaluation runs, the results explorer and the report."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from studyportal.core.language import reads_chinese, said
from studyportal.core.storage import read_bytes
from studyportal.outcomes.selectors import (
    cut_for,
    cuts_visible_to,
    file_of,
    files_of,
    is_open,
    measured_share,
    opened_cuts,
    opened_points,
    removed_by_cut,
    results_of,
    run_for,
    runs_visible_to,
    unmeasured_of,
)
from studyportal.outcomes.services import (
    freeze_cut,
    note_look,
    plan_run,
    read_otherwise,
    read_plan,
)
from studyportal.outcomes.states import RunStatus, Seen
from studyportal.sites.rules import Action
from studyportal.sites.selectors import may
from studyportal.syntheses.selectors import current_primary, released
from studyportal.tasks import dispatch
from studyportal.web.answers import Attempt, acting, found, paged, say_refusal
from studyportal.web.forms import FreezeForm

if TYPE_CHECKING:
    from studyportal.outcomes.models import EvaluationRun

_ALIVE = frozenset({RunStatus.PLANNED, RunStatus.RUNNING})
# A report is a page of its own: it may show its pictures and its style, and do nothing else.
# Its pictures need the person's session, hence the same origin; scripts and forms stay forbidden.
_REPORT_POLICY = (
    "sandbox allow-same-origin; default-src 'none'; img-src 'self' data:; "
    "style-src 'unsafe-inline' 'self'; font-src data:"
)
_FIGURES = (".svg", ".png")
_DOWNLOADS = ("report.pdf", "results.csv", "results.json", "tables.json", "verify.R")


@require_GET
def cuts(request: HttpRequest) -> HttpResponse:
    """Data cuts and the runs of each."""
    rows = [(cut, measured_share(cut)) for cut in cuts_visible_to(request.user)[:20]]
    removed = removed_by_cut()
    runs: dict[UUID, list[EvaluationRun]] = {}
    for run in runs_visible_to(request.user):
        runs.setdefault(run.cut_id, []).append(run)
    context = {
        "cuts": [(cut, share, runs.get(cut.pk, []), removed.get(cut.pk, 0)) for cut, share in rows],
        "open_cuts": opened_cuts(),
        "may_freeze": may(request.user, Action.FREEZE_CUT),
        "may_run": may(request.user, Action.RUN_EVALUATION),
    }
    return render(request, "web/cuts.html", context)


def freeze(request: HttpRequest) -> HttpResponse:
    """Freeze a data cut."""
    primary = current_primary()
    initial = {"plan": packaged_plan(), "release": primary.release_id if primary else None}
    form = FreezeForm(request.POST or None, releases=released(), initial=initial)
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data
        with Attempt(form.take) as tried:
            cut = freeze_cut(
                name=typed["name"],
                release=typed["release"],
                plan_text=typed["plan"],
                exploratory=typed["exploratory"],
                by=acting(request),
            )
        if tried.succeeded:
            messages.success(request, _("“%(name)s” is frozen.") % {"name": cut.name})
            for difference in read_otherwise(read_plan(cut.plan_text)):
                messages.warning(request, said(difference))
            return redirect("web:cuts")
    status = 422 if form.is_bound else 200
    return render(request, "web/freeze.html", {"form": form, "primary": primary}, status=status)


def packaged_plan() -> str:
    """The analysis plan that ships with the portal."""
    plans = resources.files("evaluation") / "plans"
    return (plans / "nct07243873.toml").read_text("utf-8")


@require_POST
def plan(request: HttpRequest, cut_id: UUID) -> HttpResponse:
    """Plan a run of a cut; pairs that wait are measured first."""
    cut = found(cut_for(request.user, cut_id))
    with Attempt(lambda refusal: say_refusal(request, refusal)) as tried, transaction.atomic():
        run = plan_run(cut=cut, by=acting(request))
        waiting = list(unmeasured_of(cut))
        for cut_pair in waiting:
            dispatch.measure(cut_pair.pk)
        if not waiting:
            dispatch.analyse(run.pk)
    if not tried.succeeded:
        return redirect("web:cuts")
    return redirect("web:run", run.pk)


# Before anyone narrows or widens the results: the primary endpoints of the whole study.
_FIRST_LOOK = {"family": "primary", "subgroup": "all", "analysis": "main"}


@dataclass(frozen=True)
class ResultFilter:
    """What the person narrowed the results to; it stands in the address."""

    endpoint: str
    subgroup: str
    statistic: str
    family: str
    analysis: str


@require_GET
def run_page(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """One run: progress while it works, then results, figures and the report."""
    run = found(run_for(request.user, run_id))
    rows = results_of(run)
    asked = request.GET or _FIRST_LOOK
    chosen = ResultFilter(
        **{name: asked.get(name, "") for name in ResultFilter.__dataclass_fields__}
    )
    shown = rows.filter(**{name: value for name, value in vars(chosen).items() if value})
    files = list(files_of(run))
    tongue = _edition(file.name for file in files)
    context = {
        **_progress(run),
        "whole": is_open(run.cut),
        "opened": list(opened_points(run.cut)),
        "chosen": chosen,
        "page": paged(request, shown, size=100),
        "choices": [
            (name, list(rows.order_by(name).values_list(name, flat=True).distinct()), value)
            for name, value in vars(chosen).items()
        ],
        "files": files,
        "downloads": [*_DOWNLOADS, *(f"{tongue}{name}" for name in ("report.pdf",))],
        "figures": [file for file in files if _is_figure(file.name, tongue)],
        "report": next((file for file in files if file.name == f"{tongue}report.html"), None),
        "may_export": may(request.user, Action.EXPORT),
        "removed": removed_by_cut().get(run.cut_id, 0),
    }
    if context["page"].object_list:
        note_look(cut=run.cut, what=Seen.ROWS, by=acting(request))
    return render(request, "web/run.html", context)


def _edition(names: Iterable[str]) -> str:
    """Folder of the report in the reader's language; the report itself where it was not written in it."""
    folder = "zh-Hans/" if reads_chinese() else ""
    return folder if f"{folder}report.html" in set(names) else ""


def _is_figure(name: str, edition: str) -> bool:
    return name.startswith(f"{edition}figures/") and name.endswith(_FIGURES)


@require_GET
def run_progress(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """How far the run is."""
    run = found(run_for(request.user, run_id))
    context = {**_progress(run), "fresh": run.status == RunStatus.COMPLETED}
    return render(request, "web/partials/run_progress.html", context)


def _progress(run: EvaluationRun) -> dict[str, Any]:
    done, every = measured_share(run.cut)
    return {"run": run, "measured": done, "pairs": every, "alive": run.status in _ALIVE}


@require_GET
def run_file(request: HttpRequest, run_id: UUID, name: str) -> HttpResponse:
    """One file of the report, as it was written."""
    run = found(run_for(request.user, run_id))
    file = found(file_of(run, name))
    if "figures/" in name:
        note_look(cut=run.cut, what=Seen.FIGURES, by=acting(request))
    else:
        note_look(cut=run.cut, what=Seen.FILE, of=name, by=acting(request))
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    answer = HttpResponse(read_bytes(file.sha256), content_type=kind)
    answer["Content-Disposition"] = f'inline; filename="{name.rsplit("/", 1)[-1]}"'
    if kind in ("text/html", "image/svg+xml"):
        answer["Content-Security-Policy"] = _REPORT_POLICY
    return answer
