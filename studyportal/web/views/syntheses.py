"""The synthesis queue and its jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from studyportal.core.selectors import acts_on_any
from studyportal.imaging.selectors import pair_for, pairs_visible_to
from studyportal.imaging.states import PairStatus
from studyportal.sites.rules import Action
from studyportal.sites.selectors import may
from studyportal.syntheses.selectors import (
    attempts_of,
    in_queue_order,
    job_for,
    jobs_visible_to,
    queue_position,
    released,
)
from studyportal.syntheses.services import cancel_job, request_synthesis, retry_job
from studyportal.syntheses.states import JobStatus
from studyportal.tasks import dispatch
from studyportal.web.answers import Attempt, acting, do, found, paged, say_refusal
from studyportal.web.forms import SynthesisForm
from studyportal.web.words import STATUS_WORDS

if TYPE_CHECKING:
    from studyportal.syntheses.models import SynthesisJob

_ALIVE = frozenset({JobStatus.QUEUED, JobStatus.RUNNING})
_JOB_WORDS = {status: STATUS_WORDS["job"][status] for status in JobStatus}


@require_GET
def jobs(request: HttpRequest) -> HttpResponse:
    """The queue: what runs, what waits at which place, what ended and why."""
    status = request.GET.get("status", "")
    rows = in_queue_order(jobs_visible_to(request.user))
    if status in _JOB_WORDS:
        rows = rows.filter(status=status)
    context = {
        "page": paged(request, rows),
        "status": status,
        "statuses": _JOB_WORDS.items(),
        "may_request": may(request.user, Action.REQUEST_SYNTHESIS),
        "form": SynthesisForm(releases=released()),
    }
    return render(request, "web/jobs.html", context)


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
    site = job.pair.participant.site
    return {
        "job": job,
        "alive": job.status in _ALIVE,
        "position": queue_position(job),
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
        said=_("The job is told to stop."),
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


@require_POST
def synthesise_all(request: HttpRequest) -> HttpResponse:
    """Request a synthetic PET of every ready pair; what exists already is left as it is."""
    form = SynthesisForm(request.POST, releases=released())
    place = reverse("web:jobs")
    if not form.is_valid():
        return _not_read(request, form, place)
    ready = pairs_visible_to(request.user).filter(status=PairStatus.READY)
    with Attempt(lambda refusal: say_refusal(request, refusal)) as tried:
        rows = [
            request_synthesis(pair=pair, by=acting(request), **form.cleaned_data) for pair in ready
        ]
    if not tried.succeeded:
        return redirect(place)
    waiting = [job for job in rows if job.status == JobStatus.QUEUED]
    for job in waiting:
        dispatch.translate(job.pk)
    said = ngettext("%(n)s job waits.", "%(n)s jobs wait.", len(waiting)) % {"n": len(waiting)}
    messages.success(request, said)
    return redirect(place)


def _not_read(request: HttpRequest, form: SynthesisForm, place: str) -> HttpResponse:
    for field, errors in form.errors.items():
        messages.error(
            request, f"{form.fields[field].label}: {' '.join(str(error) for error in errors)}"
        )
    return redirect(place)
