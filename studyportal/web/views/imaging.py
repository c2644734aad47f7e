"""Uploads, verdicts on images, pairs and their findings, previews."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_POST

from studyportal.core.storage import read_bytes
from studyportal.imaging.selectors import (
    accepted_series,
    finding_for,
    open_findings,
    open_upload,
    outlines_of,
    pair_for,
    pairs_visible_to,
    series_for,
    series_of_pair,
    upload_state,
    worst_first,
)
from studyportal.imaging.services import (
    accept_finding,
    exclude_pair,
    judge_artefacts,
    open_series,
)
from studyportal.imaging.states import IN_INTAKE, PairStatus, SeriesRole
from studyportal.outcomes.selectors import measurements_of_pair
from studyportal.outcomes.services import note_look
from studyportal.outcomes.states import Seen
from studyportal.participants.rules import Answer
from studyportal.participants.selectors import answers_of, latest_assessment, participant_for
from studyportal.protocol.selectors import active_protocol
from studyportal.sites.rules import Action
from studyportal.sites.selectors import may, sites_visible_to
from studyportal.syntheses.selectors import jobs_of_pair, released, synthetic_for
from studyportal.web.answers import (
    Attempt,
    acting,
    do,
    found,
    paged,
    say_refusal,
)
from studyportal.web.checks import injection_of, limits_of
from studyportal.web.forms import ArtefactsForm, ReasonForm, SynthesisForm
from studyportal.web.layers import PANELS
from studyportal.web.sentences import coverage_sentence, pair_sentence, series_sentences
from studyportal.web.upload_words import upload_words
from studyportal.web.words import STATUS_WORDS

if TYPE_CHECKING:
    from studyportal.imaging.models import ImagingSeries, ScanPair


@require_POST
def upload_open(request: HttpRequest, participant_id: UUID, role: str) -> HttpResponse:
    """Begin an upload, or go on with the one that was begun."""
    participant = found(participant_for(request.user, participant_id))
    if role not in set(SeriesRole):
        raise Http404
    with Attempt(lambda refusal: say_refusal(request, refusal)) as tried:
        series = open_upload(participant, SeriesRole(role)) or open_series(
            participant=participant,
            role=SeriesRole(role),
            by=acting(request),
            option=request.POST.get("option", "")[:200],
        )
    if not tried.succeeded:
        return redirect("web:participant", participant.pk)
    return redirect("web:upload", series.pk)


@require_GET
def upload(request: HttpRequest, series_id: UUID) -> HttpResponse:
    """One upload: a place to drop the folder, then the verdict in words."""
    series = found(series_for(request.user, series_id))
    site = series.pair.participant.site
    context = {
        **_verdict(series),
        "state": upload_state(series.pk),
        "words": upload_words(),
        "max_files": settings.UPLOAD_MAX_FILES,
        "max_file_bytes": settings.UPLOAD_MAX_BYTES_PER_FILE,
        "may_send": may(request.user, Action.UPLOAD_IMAGES, site=site),
        "may_enter": may(request.user, Action.ENTER_INJECTION, site=site),
    }
    return render(request, "web/upload.html", context)


@require_GET
def upload_verdict(request: HttpRequest, series_id: UUID) -> HttpResponse:
    """The verdict on an upload; asks again by itself until it is there."""
    series = found(series_for(request.user, series_id))
    site = series.pair.participant.site
    may_enter = may(request.user, Action.ENTER_INJECTION, site=site)
    context = {**_verdict(series), "may_enter": may_enter}
    return render(request, "web/partials/upload_verdict.html", context)


def _verdict(series: ImagingSeries) -> dict[str, Any]:
    pair = series.pair
    source = accepted_series(pair, SeriesRole.SOURCE)
    reference = accepted_series(pair, SeriesRole.REFERENCE)
    findings = [row for row in open_findings(pair) if row.series_id in (None, series.pk)]
    return {
        "series": series,
        "pair": pair,
        "participant": pair.participant,
        "waiting": series.status in IN_INTAKE,
        # The pair is settled a moment after its last series: the page asks on until then.
        "asks_on": series.status in IN_INTAKE or pair.status == PairStatus.CHECKING,
        "sentences": series_sentences(series),
        "coverage": coverage_sentence(source, reference),
        "pair_sentence": pair_sentence(pair),
        "findings": findings,
        **injection_of(series),
        "injection_from": "series",
        "may_enter": False,
    }


@require_GET
def pairs(request: HttpRequest) -> HttpResponse:
    """Pairs of the person's sites, those with findings first."""
    status, site = request.GET.get("status", ""), request.GET.get("site", "")
    rows = worst_first(pairs_visible_to(request.user))
    if status in STATUS_WORDS["pair"]:
        rows = rows.filter(status=status)
    if site:
        rows = rows.filter(participant__site__code=site)
    context = {
        "page": paged(request, rows),
        "statuses": STATUS_WORDS["pair"].items(),
        "sites": sites_visible_to(request.user, Action.SEE_IMAGES),
        "status": status,
        "site": site,
    }
    return render(request, "web/pairs.html", context)


@require_GET
@ensure_csrf_cookie  # the viewer asks for its volumes before any form was shown
def pair_page(request: HttpRequest, pair_id: UUID) -> HttpResponse:
    """One pair: pictures, findings, facts, and what may be done."""
    return _show(request, found(pair_for(request.user, pair_id)))


def _show(
    request: HttpRequest, pair: ScanPair, *, forms: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    site = pair.participant.site
    source = accepted_series(pair, SeriesRole.SOURCE)
    reference = accepted_series(pair, SeriesRole.REFERENCE)
    jobs = list(jobs_of_pair(pair))
    sees_outcomes = may(request.user, Action.SEE_OUTCOMES)
    measurements = list(measurements_of_pair(request.user, pair.pk)) if sees_outcomes else []
    if measurements:
        cut = measurements[0].cut_pair.cut
        note_look(cut=cut, what=Seen.MEASUREMENTS, of=pair.participant.code, by=acting(request))
    outlines = list(outlines_of(pair))
    replaced = {row.series_id for row in outlines[1:]}
    context = {
        "pair": pair,
        "participant": pair.participant,
        "source": source,
        "reference": reference,
        "series": [row for row in series_of_pair(pair) if row.pk not in replaced],
        "outlines": outlines,
        "synthetics": [job.synthetic_series for job in jobs if hasattr(job, "synthetic_series")],
        "jobs": jobs,
        "findings": open_findings(pair),
        "coverage": coverage_sentence(source, reference),
        "pair_sentence": pair_sentence(pair),
        "participant_visible": may(request.user, Action.SEE_PARTICIPANTS, site=site),
        "artefacts_answer": _artefacts_answer(pair),
        **_suv_figures(reference),
        **injection_of(reference),
        **limits_of(pair, reference),
        "injection_from": "pair",
        "may_enter": pair.status != PairStatus.EXCLUDED
        and may(request.user, Action.ENTER_INJECTION, site=site),
        "sees_outcomes": sees_outcomes,
        "measurements": measurements,
        "viewer_panels": PANELS,
        "may_outline": pair.status != PairStatus.EXCLUDED
        and may(request.user, Action.OUTLINE_LESIONS, site=site),
        "may_judge": may(request.user, Action.ACCEPT_FINDING, site=site),
        "may_request": may(request.user, Action.REQUEST_SYNTHESIS, site=site),
        "artefacts_form": ArtefactsForm(prefix="artefacts"),
        "exclude_form": ReasonForm(prefix="exclude"),
        "synthesis_form": SynthesisForm(releases=released()),
        **(forms or {}),
    }
    return render(request, "web/pair.html", context, status=status)


def _suv_figures(reference: ImagingSeries | None) -> dict[str, Any]:
    suv = reference.suv if reference else {}
    dose = suv.get("dose_bq")
    return {
        "dose_mbq": dose / 1e6 if dose else None,
        "disagreement_percent": 100 * (suv.get("disagreement") or 0.0),
    }


def _artefacts_answer(pair: ScanPair) -> str:
    """The answer about artefacts; empty while nobody judged the images."""
    assessment = latest_assessment(pair.participant)
    code = active_protocol().code_of("artefacts")
    answers = answers_of(assessment).filter(criterion=code) if assessment else []
    return next((row.answer for row in answers if row.answer != Answer.UNKNOWN), "")


@require_POST
def judge(request: HttpRequest, pair_id: UUID) -> HttpResponse:
    """Keep what a person saw who looked at the images."""
    pair = found(pair_for(request.user, pair_id))
    form = ArtefactsForm(request.POST, prefix="artefacts")
    if form.is_valid():
        typed = form.cleaned_data
        with Attempt(form.take) as tried:
            judge_artefacts(
                pair=pair,
                artefacts=typed["artefacts"] == "yes",
                reason=typed["reason"],
                by=acting(request),
            )
        if tried.succeeded:
            return redirect("web:pair", pair.pk)
    return _show(request, pair, forms={"artefacts_form": form}, status=422)


@require_POST
def exclude(request: HttpRequest, pair_id: UUID) -> HttpResponse:
    """Take the pair out of every analysis."""
    pair = found(pair_for(request.user, pair_id))
    form = ReasonForm(request.POST, prefix="exclude")
    if form.is_valid():
        with Attempt(form.take) as tried:
            exclude_pair(pair=pair, reason=form.cleaned_data["reason"], by=acting(request))
        if tried.succeeded:
            return redirect("web:pair", pair.pk)
    return _show(request, pair, forms={"exclude_form": form}, status=422)


@require_POST
def accept(request: HttpRequest, finding_id: UUID) -> HttpResponse:
    """Accept a finding for a reason."""
    finding = found(finding_for(request.user, finding_id))
    return do(
        request,
        lambda: accept_finding(
            finding=finding, reason=request.POST.get("reason", ""), by=acting(request)
        ),
        said=_("The finding is accepted, and the reason is kept."),
        then=reverse("web:pair", args=[finding.pair_id]),
    )


@require_GET
def series_preview(request: HttpRequest, series_id: UUID) -> HttpResponse:
    """The preview picture of a series."""
    return _picture(found(series_for(request.user, series_id)).preview_sha256)


@require_GET
def synthetic_preview(request: HttpRequest, series_id: UUID) -> HttpResponse:
    """The preview picture of a synthetic series."""
    return _picture(found(synthetic_for(request.user, series_id)).preview_sha256)


def _picture(sha256: str) -> HttpResponse:
    if not sha256:
        raise Http404
    headers = {"Cache-Control": "private, max-age=3600", "ETag": f'"{sha256}"'}
    return HttpResponse(read_bytes(sha256), content_type="image/png", headers=headers)
