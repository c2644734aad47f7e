"""The pages of a reader: the own list, one case, its images. Nothing here names a participant, a site or an arm."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from studyportal.core.errors import NotAllowed, Refused, StaleState
from studyportal.core.language import said
from studyportal.core.storage import verified_path
from studyportal.reading.rules import Showing
from studyportal.reading.selectors import (
    design_of,
    hung,
    may_be_shown,
    next_reads,
    own_feedback,
    own_lists,
    read_for,
    shown_volumes,
)
from studyportal.reading.services import (
    OtherTab,
    keep_time,
    reopen_read,
    require_blind,
    save_draft,
    start_read,
    submit_read,
)
from studyportal.reading.states import ReadKind, ReadStatus
from studyportal.web.answers import acting, do, found, refusals_as_problems
from studyportal.web.reading_form import form_of

if TYPE_CHECKING:
    from studyportal.reading.models import Read

_KEEP = "private, max-age=86400, immutable"


@require_GET
def reading_list(request: HttpRequest) -> HttpResponse:
    """How far the reader is in each open session, and what comes next."""
    facts = {"lists": own_lists(request.user), "feedback": own_feedback(request.user)}
    return render(request, "web/reading_list.html", facts)


@require_POST
def reading_begin(request: HttpRequest, code: str) -> HttpResponse:
    """Begin the case and open its page."""
    read = _own(request, code)
    page = reverse("web:reading", args=[code])

    def begin() -> None:
        start_read(read=read, by=acting(request))

    answer = do(request, begin, said="", then=page)
    return (
        answer
        if _own(request, code).status == ReadStatus.IN_PROGRESS
        else redirect("web:reading_list")
    )


@require_GET
def reading(request: HttpRequest, code: str) -> HttpResponse:
    """One case: the viewer large, its questions beside it. Asked for as a part, the questions alone."""
    read = _own(request, code)
    require_blind(acting(request))
    if read.status != ReadStatus.IN_PROGRESS:
        return redirect("web:reading_list")
    design = design_of(read.reader.session)
    arm = hung(read)
    facts = {
        "read": read,
        "form": form_of(read),
        "arm": arm,
        "practice": read.kind == ReadKind.PRACTICE,
        "adjudication": read.kind == ReadKind.ADJUDICATION,
        "side_by_side": design.showing == Showing.SIDE_BY_SIDE,
        "correction": read.correction_reason,
    }
    part = request.headers.get("X-Part") == "case"
    answer = render(
        request, "web/partials/reading_case.html" if part else "web/reading.html", facts
    )
    answer["Cache-Control"] = "no-store"
    return answer


@require_GET
def reading_layers(request: HttpRequest, code: str) -> HttpResponse:
    """The images of the case, and of the one that comes next so that the page can fetch them early."""
    read = _shown(request, code)
    following = next_reads(read.reader, after=read)
    answer = JsonResponse(
        {
            "pending": False,
            "layers": _layers(read),
            "outlines": None,
            "next": _layers(following[0]) if following and may_be_shown(following[0]) else [],
        }
    )
    answer["Cache-Control"] = "no-store"
    return answer


@require_GET
def reading_image(request: HttpRequest, code: str, name: str) -> HttpResponseBase:
    """One image of the case, without any header of a scanner."""
    read = _shown(request, code)
    wanted, _dash, quick = name.partition("-")
    volume = found(dict(shown_volumes(read)).get(wanted))
    sha256 = volume.quick_sha256 if quick == "quick" else volume.sha256
    if not sha256 or quick not in ("", "quick"):
        raise Http404
    answer = FileResponse(verified_path(sha256).open("rb"), content_type="application/gzip")
    answer["Content-Disposition"] = "inline"
    answer["Cache-Control"] = _KEEP
    # Of code and name alone: a digest of the image would be the same in another arm.
    answer["ETag"] = f'"{hashlib.sha256(f"{code}/{name}".encode()).hexdigest()[:16]}"'
    return answer


@require_POST
@refusals_as_problems
def reading_draft(request: HttpRequest, code: str) -> HttpResponse:
    """Keep what is answered so far."""
    read = _own(request, code)
    try:
        kept = save_draft(
            read=read, fields=_fields(request), based_on=_based_on(request), by=acting(request)
        )
    except StaleState as stale:
        return _stale(stale)
    return JsonResponse({"version": kept.version})


@require_POST
@refusals_as_problems
def reading_time(request: HttpRequest, code: str) -> HttpResponse:
    """The page is looked at."""
    keep_time(read=_own(request, code), by=acting(request))
    return HttpResponse(status=204)


@require_POST
def reading_submit(request: HttpRequest, code: str) -> HttpResponse:
    """Submit the case, begin the next one, and say where it is."""
    read = _own(request, code)
    by = acting(request)
    try:
        submit_read(read=read, fields=_fields(request), based_on=_based_on(request), by=by)
    except StaleState as stale:
        return _stale(stale)
    except Refused as refusal:
        if isinstance(refusal, NotAllowed):
            raise
        return _lacking(refusal)
    following = next_reads(read.reader)
    if not following:
        return JsonResponse({"next": reverse("web:reading_list"), "end": True})
    start_read(read=following[0], by=by)
    return JsonResponse({"next": reverse("web:reading", args=[following[0].code]), "end": False})


@require_POST
def reading_reopen(request: HttpRequest, code: str) -> HttpResponse:
    """Open a submitted case again, with a reason."""
    read, by = _own(request, code), acting(request)
    return do(
        request,
        lambda: reopen_read(read=read, reason=request.POST.get("reason", ""), by=by),
        said=_("The case is open again; what was submitted stays."),
        then=reverse("web:reading_list"),
    )


def _own(request: HttpRequest, code: str) -> Read:
    return found(read_for(request.user, code))


def _shown(request: HttpRequest, code: str) -> Read:
    read = _own(request, code)
    require_blind(acting(request))
    if not may_be_shown(read):
        raise Http404
    return read


def _layers(read: Read) -> list[dict[str, Any]]:
    """The layers as the viewer takes them; left and right stand in its places for two PETs."""
    rows = []
    for name, volume in shown_volumes(read):
        address = lambda of: reverse("web:reading_image", args=[read.code, of])  # noqa: E731
        entry: dict[str, Any] = {
            "key": {"left": "pet", "right": "right"}.get(name, name),
            "title": "",
            "note": "",
            "synthetic": name == "right",  # a place of the viewer and no word on the image
            "volume": {"url": address(name), "unit": volume.facts.get("unit", "")},
        }
        if volume.quick_sha256:
            entry["quick"] = {"url": address(f"{name}-quick"), "unit": "HU"}
        rows.append(entry)
    return rows


def _fields(request: HttpRequest) -> dict[str, str]:
    return {name: " ".join(request.POST.getlist(name)) for name in request.POST}


def _based_on(request: HttpRequest) -> int:
    text = request.POST.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 9 else -1


def _stale(stale: StaleState) -> JsonResponse:
    words = " ".join(said(reason) for reason in stale.reasons)
    facts: dict[str, Any] = {"detail": words}
    if isinstance(stale, OtherTab):
        facts |= {"version": stale.version, "draft": stale.draft}
    return JsonResponse(facts, status=409)


def _lacking(refusal: Refused) -> JsonResponse:
    """Every field that lacks an answer, with its sentence."""
    return JsonResponse(
        {
            "detail": said(refusal.reasons[0].sentence),
            "fields": [reason.where for reason in refusal.reasons if reason.where],
        },
        status=422,
    )
