"""The synthesis queue: jobs, one by one and for all ready pairs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from studyportal.core import clock
from studyportal.core.selectors import acts_on_any
from studyportal.dashboards.queue import outlook
from studyportal.imaging.selectors import pair_for
from studyportal.sites.rules import Action
from studyportal.sites.selectors import may, sites_visible_to
from studyportal.syntheses.selectors import (
    attempts_of,
    current_primary,
    failures_since,
    in_queue_order,
    in_role,
    job_for,
    jobs_visible_to,
    preview_batch,
    released,
    releases_visible_to,
)
from studyportal.syntheses.services import (
    cancel_job,
    request_ready_pairs,
    request_synthesis,
    retry_job,
)
from studyportal.syntheses.states import AnalysisRole, JobStatus
from studyportal.tasks import dispatch
from studyportal.web.answers import Attempt, acting, do, found, paged, say_refusal
from studyportal.web.forms import SynthesisForm
from studyportal.web.queue_words import end_sentence, next_sentence, place_sentence, stages_of
from studyportal.web.words import STATUS_WORDS

if TYPE_CHECKING:
    from studyportal.syntheses.models import SynthesisJob

_ALIVE = frozenset({JobStatus.QUEUED, JobStatus.RUNNING})
_JOB_WORDS = {status: STATUS_WORDS["job"][status] for status in JobStatus}
_FILTERS = ("status", "site", "release", "role", "batch", "participant")
_LATELY = timedelta(days=1)
_FAILURES_SHOWN = 10


@require_GET
def jobs(request: HttpRequest) -> HttpResponse:
    """The queue: what runs, what waits at which place, what failed of late, and everything that ended."""
    return render(request, "web/jobs.html", {**_queue(request), **_choices(request)})


@require_GET
def jobs_now(request: HttpRequest) -> HttpResponse:
    """The part of the queue that moves."""
    return render(request, "web/partials/queue_now.html", _queue(request))


def _queue(request: HttpRequest) -> dict[str, Any]:
    moment, user = clock.now(), request.user
    queue, visible = outlook(moment), jobs_visible_to(user)
    page = paged(request, in_queue_order(_filtered(request, visible)))
    page.object_list = _with_words(page.object_list, queue, moment)
    running = _with_words(visible.filter(status=JobStatus.RUNNING), queue, moment)
    failures = failures_since(user, moment - _LATELY)
    return {
        "queue": queue,
        "running": running,
        "running_elsewhere": queue.running - len(running),
        "failures": failures[:_FAILURES_SHOWN],
        "failures_all": failures.count(),
        "page": page,
        "may_retry": may(user, Action.REQUEST_SYNTHESIS),
        "asked": request.GET.urlencode(),
    }


def _choices(request: HttpRequest) -> dict[str, Any]:
    return {
        "chosen": {name: request.GET.get(name, "") for name in _FILTERS},
        "filtered": any(request.GET.get(name) for name in _FILTERS),
        "statuses": _JOB_WORDS.items(),
        "roles": [role.value for role in AnalysisRole],
        "sites": sites_visible_to(request.user, Action.SEE_SYNTHESES),
        "releases": releases_visible_to(request.user),
        "may_request": may(request.user, Action.REQUEST_SYNTHESIS),
        "can_be_used": released().exists(),
    }


def _filtered(request: HttpRequest, rows: QuerySet[SynthesisJob]) -> QuerySet[SynthesisJob]:
    asked = {name: request.GET.get(name, "").strip() for name in _FILTERS}
    if asked["status"] in _JOB_WORDS:
        rows = rows.filter(status=asked["status"])
    if asked["site"]:
        rows = rows.filter(pair__participant__site__code=asked["site"])
    if asked["participant"]:
        rows = rows.filter(pair__participant__code__icontains=asked["participant"])
    for name in ("release", "batch"):
        if _is_uuid(asked[name]):
            rows = rows.filter(**{name: asked[name]})
    if asked["role"] in set(AnalysisRole):
        rows = in_role(rows, AnalysisRole(asked["role"]), current_primary())
    return rows


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _with_words(rows: Any, queue: Any, moment: Any) -> list[SynthesisJob]:
    """The jobs, each with the sentence about its expected end while it runs or waits."""
    found_rows = list(rows)
    for job in found_rows:
        expected = queue.of(job)
        job.expected = expected
        job.end_sentence = end_sentence(job, expected, moment) if job.status in _ALIVE else ""
    return found_rows


@require_GET
def job_page(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """One job with its progress, attempts and result."""
    job = found(job_for(request.user, job_id))
    return render(request, "web/job.html", _job(request, job))


@require_GET
def job_progress(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """The part of the job's page that moves."""
    job = found(job_for(request.user, job_id))
    return render(request, "web/partials/job_progress.html", _job(request, job))


def _job(request: HttpRequest, job: SynthesisJob) -> dict[str, Any]:
    site, moment = job.pair.participant.site, clock.now()
    queue = outlook(moment)
    expected = queue.of(job)
    return {
        "job": job,
        "alive": job.status in _ALIVE,
        "stages": stages_of(job),
        "place_sentence": place_sentence(expected, queue) if expected.place else "",
        "end_sentence": end_sentence(job, expected, moment) if job.status in _ALIVE else "",
        "next_sentence": next_sentence(job, queue, moment),
        "attempts": attempts_of(job),
        "synthetic": getattr(job, "synthetic_series", None),
        "history": acts_on_any([job.pk]),
        "sees_images": may(request.user, Action.SEE_IMAGES, site=site),
        "may_cancel": job.status in _ALIVE
        and may(request.user, Action.CANCEL_SYNTHESIS, site=site),
        "may_retry": job.status == JobStatus.ERRORED
        and may(request.user, Action.REQUEST_SYNTHESIS, site=site),
    }


@require_POST
def cancel(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Cancel a job that waits or runs."""
    job = found(job_for(request.user, job_id))
    return do(
        request,
        lambda: cancel_job(job=job, by=acting(request)),
        said=_("The job is told to stop.") if job.status == JobStatus.RUNNING else _("Cancelled."),
        then=reverse("web:job", args=[job.pk]),
    )


@require_POST
def retry(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Put an errored job back into the queue."""
    job = found(job_for(request.user, job_id))

    def act() -> None:
        dispatch.translate(retry_job(job=job, by=acting(request)).pk)

    place = reverse("web:job", args=[job.pk])
    return do(request, act, said=_("The job waits again."), then=place)


@require_POST
def synthesise(request: HttpRequest, pair_id: UUID) -> HttpResponse:
    """Request a synthetic PET of one pair."""
    pair = found(pair_for(request.user, pair_id))
    form = SynthesisForm(request.POST, releases=released())
    place = reverse("web:pair", args=[pair.pk])
    if not form.is_valid():
        return _not_read(request, form, place)
    with Attempt(lambda refusal: say_refusal(request, refusal)) as tried:
        job = request_synthesis(pair=pair, by=acting(request), **form.cleaned_data)
    if not tried.succeeded:
        return redirect(place)
    dispatch.translate(job.pk)
    return redirect("web:job", job.pk)


def synthesise_all(request: HttpRequest) -> HttpResponse:
    """Show what a request for all ready pairs would do, or make it."""
    if request.method == "POST":
        return _request_all(request)
    form = SynthesisForm(request.GET if "release" in request.GET else None, releases=released())
    context: dict[str, Any] = {"form": form}
    if form.is_bound and form.is_valid():
        context |= {"asked": form.cleaned_data}
        context["preview"] = preview_batch(request.user, **form.cleaned_data)
    return render(request, "web/batch.html", context)


def _request_all(request: HttpRequest) -> HttpResponse:
    form = SynthesisForm(request.POST, releases=released())
    if not form.is_valid():
        return _not_read(request, form, reverse("web:synthesise_all"))
    with Attempt(lambda refusal: say_refusal(request, refusal)) as tried:
        made = request_ready_pairs(by=acting(request), **form.cleaned_data)
    if not tried.succeeded:
        return redirect("web:synthesise_all")
    for job in made.jobs:
        dispatch.translate(job.pk)
    if made.batch is None:
        messages.success(request, _("Nothing was requested: every ready pair has such a job."))
        return redirect("web:jobs")
    n = len(made.jobs)
    messages.success(request, ngettext("%(n)s job waits.", "%(n)s jobs wait.", n) % {"n": n})
    return redirect(f"{reverse('web:jobs')}?batch={made.batch.pk}")


def _not_read(request: HttpRequest, form: SynthesisForm, place: str) -> HttpResponse:
    for field, errors in form.errors.items():
        said = " ".join(str(error) for error in errors)
        messages.error(request, f"{form.fields[field].label}: {said}")
    return redirect(place)
