"""What the upload page's script asks: announce files, send them, complete or stop the upload."""

from __future__ import annotations

import json
from typing import Any, BinaryIO, cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from studyportal.core.errors import Reason, Refused
from studyportal.imaging.rules import read_announcement
from studyportal.imaging.selectors import UploadState, series_for
from studyportal.imaging.services import (
    abandon_upload,
    announce_files,
    complete_upload,
    take_files,
)
from studyportal.tasks import dispatch
from studyportal.web.answers import acting, found, refusals_as_problems

_LONGEST_HEAD = 64 * 1024


@require_POST
@refusals_as_problems
def announce(request: HttpRequest, series_id: UUID) -> HttpResponse:
    """Take the list of files and answer which of them are missing."""
    series = found(series_for(request.user, series_id))
    body = _json(request.body)
    files, faults = read_announcement(body.get("files"))
    if faults:
        raise Refused(*(Reason("bad_list", fault) for fault in faults))
    state = announce_files(
        series=series, files=files, by=acting(request), start_over=body.get("start_over") is True
    )
    return JsonResponse(_as_json(state))


@require_POST
@refusals_as_problems
def send(request: HttpRequest, series_id: UUID) -> HttpResponse:
    """Take files: a line of JSON that lists their digests and sizes, then their bytes one after the other."""
    series = found(series_for(request.user, series_id))
    head = _json(request.readline(_LONGEST_HEAD))
    try:
        sent = [(str(sha256), int(size)) for sha256, size in head["files"]]
    except (KeyError, TypeError, ValueError) as error:
        raise Refused(_("The request does not say which files it holds.")) from error
    new = take_files(series=series, stream=cast("BinaryIO", request), sent=sent, by=acting(request))
    return JsonResponse({"new": new}, status=201)


@require_POST
@refusals_as_problems
def complete(request: HttpRequest, series_id: UUID) -> HttpResponse:
    """Close the upload and have it checked."""
    series = found(series_for(request.user, series_id))
    complete_upload(series=series, by=acting(request))
    dispatch.check_series(series.pk)
    place = reverse("web:upload", args=[series.pk])
    return JsonResponse({"page": place}, headers={"Location": place})


@require_POST
@refusals_as_problems
def stop(request: HttpRequest, series_id: UUID) -> HttpResponse:
    """Delete what arrived; the images can be sent anew."""
    series = found(series_for(request.user, series_id))
    abandon_upload(series=series, by=acting(request))
    return JsonResponse({"page": reverse("web:participant", args=[series.pair.participant_id])})


def _json(content: bytes) -> dict[str, Any]:
    try:
        read = json.loads(content)
    except ValueError as error:
        raise Refused(_("The request is not readable; reload the page.")) from error
    return read if isinstance(read, dict) else {}


def _as_json(state: UploadState) -> dict[str, object]:
    return {
        "announced": state.announced,
        "announced_bytes": state.announced_bytes,
        "arrived": state.arrived,
        "arrived_bytes": state.arrived_bytes,
        "copies": state.copies,
        "missing": list(state.missing),
    }
