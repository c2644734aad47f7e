"""The viewer of a pair: its layers, their volumes, and the regions that a person outlines."""

from __future__ import annotations

import base64
import math
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotModified,
    JsonResponse,
)
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from evaluation.imaging import Volume, read_series
from studyportal.core.errors import Refused
from studyportal.core.storage import verified_path
from studyportal.imaging.rules import nifti_bytes
from studyportal.imaging.selectors import latest_outlines, pair_for, stored_paths
from studyportal.imaging.services import (
    METHODS,
    DrawnRegion,
    GrowthRequest,
    draw_outline,
    drop_outline,
    grow_region,
    masks_of,
)
from studyportal.tasks import dispatch
from studyportal.web.answers import acting, found, refusals_as_problems
from studyportal.web.layers import layers_of

if TYPE_CHECKING:
    from studyportal.imaging.models import OutlineSet

# A volume never changes under its digest, so a browser need not ask for it twice.
_KEEP = "private, max-age=31536000, immutable"
_LARGEST_DRAWING = 32 * 1024 * 1024
_FLAGS = {
    "region_reaches_box": gettext_lazy(
        "The region reaches as far as it may; look whether it leaks."
    ),
    "touches_border": gettext_lazy("The region touches the border of the PET."),
}


@require_GET
def layers(request: HttpRequest, pair_id: UUID) -> HttpResponse:
    """The layers of the pair, and whether one is still being made."""
    answer = JsonResponse(layers_of(found(pair_for(request.user, pair_id))).as_json())
    answer["Cache-Control"] = "no-store"
    return answer


@require_POST
def prepare(request: HttpRequest, pair_id: UUID) -> HttpResponse:
    """Have the volumes made that are missing."""
    pair = found(pair_for(request.user, pair_id))
    if layers_of(pair).pending:
        dispatch.derive_pair(pair.pk)
    return HttpResponse(status=204)


@require_GET
def volume(request: HttpRequest, pair_id: UUID, sha256: str) -> HttpResponseBase:
    """One volume of this pair, streamed."""
    pair = found(pair_for(request.user, pair_id))
    if sha256 not in layers_of(pair).digests:
        raise Http404
    tag = f'"{sha256}"'
    if tag in request.headers.get("If-None-Match", ""):
        return HttpResponseNotModified(headers={"ETag": tag, "Cache-Control": _KEEP})
    stream = verified_path(sha256).open("rb")
    answer = FileResponse(stream, content_type="application/gzip")
    answer["ETag"], answer["Cache-Control"] = tag, _KEEP
    return answer


@require_GET
def region(request: HttpRequest, pair_id: UUID) -> HttpResponse:
    """One region of the outlines that count, to be corrected, and how it was drawn."""
    outlines = found(latest_outlines(found(pair_for(request.user, pair_id))))
    name = request.GET.get("name", "")
    entry = found(next((row for row in outlines.regions if row["region"] == name), None))
    grid = read_series(stored_paths(outlines.reference.manifest_sha256)).grid
    mask = Volume(masks_of(outlines)[name], grid, "mask")
    return JsonResponse({"mask": _encoded(mask), "method": entry.get("method", "")})


@require_POST
@refusals_as_problems
def grow(request: HttpRequest, pair_id: UUID) -> HttpResponse:
    """Propose a region round the point; nothing is kept."""
    pair = found(pair_for(request.user, pair_id))
    method = next((name for name in METHODS if name == request.POST.get("method")), None)
    if method is None:
        raise Refused(_("Choose a method."))
    at = (_number(request, "x"), _number(request, "y"), _number(request, "z"))
    threshold = _number(request, "threshold") if method == "fixed" else None
    asked = GrowthRequest(at, method, _number(request, "reach"), threshold)
    grown = grow_region(pair=pair, request=asked, by=acting(request))
    return JsonResponse(
        {
            "mask": _encoded(grown.mask),
            "method": grown.method,
            "threshold": grown.threshold,
            "unit": grown.unit,
            "voxels": grown.n_voxels,
            "volume_ml": grown.volume_ml,
            "notes": [str(_FLAGS[flag]) for flag in grown.flags if flag in _FLAGS],
        }
    )


@require_POST
@refusals_as_problems
def draw(request: HttpRequest, pair_id: UUID) -> HttpResponse:
    """Keep the drawing as the outline of a region."""
    pair = found(pair_for(request.user, pair_id))
    file = request.FILES.get("drawing")
    if file is None or (file.size or 0) > _LARGEST_DRAWING:
        raise Refused(_("No drawing came with the request."))
    drawn = DrawnRegion(
        region=request.POST.get("region", "").strip(),
        drawing=file.read(),
        method=request.POST.get("method", ""),
        reason=request.POST.get("reason", ""),
    )
    return _kept(
        draw_outline(pair=pair, drawn=drawn, based_on=_based_on(request), by=acting(request))
    )


@require_POST
@refusals_as_problems
def drop(request: HttpRequest, pair_id: UUID) -> HttpResponse:
    """Take a region out of the outlines that count."""
    pair = found(pair_for(request.user, pair_id))
    return _kept(
        drop_outline(
            pair=pair,
            region=request.POST.get("region", ""),
            reason=request.POST.get("reason", ""),
            based_on=_based_on(request),
            by=acting(request),
        )
    )


def _encoded(mask: Volume) -> str:
    content = nifti_bytes(mask.array.astype(np.uint8), mask.grid, slope=1.0, unit="label")
    return base64.b64encode(content).decode()


def _kept(outlines: OutlineSet) -> HttpResponse:
    dispatch.derive_pair(outlines.pair_id)
    return JsonResponse({"id": str(outlines.pk)}, status=201)


def _number(request: HttpRequest, name: str) -> float:
    try:
        value = float(request.POST.get(name, ""))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Refused(_("A number is missing: %(name)s.") % {"name": name})
    return value


def _based_on(request: HttpRequest) -> UUID | None:
    text = request.POST.get("based_on", "")
    try:
        return UUID(text) if text else None
    except ValueError as error:
        raise Refused(_("Reload the page and try again.")) from error
