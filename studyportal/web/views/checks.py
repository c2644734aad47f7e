"""What a person does about the checks of a series: enters what the file lacks, takes one of several reconstructions."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from studyportal.imaging.selectors import series_for
from studyportal.imaging.services import choose_reconstruction, enter_injection
from studyportal.imaging.states import EntryField, SeriesStatus
from studyportal.tasks import dispatch
from studyportal.web.answers import acting, do, found


@require_POST
def injection(request: HttpRequest, series_id: UUID) -> HttpResponse:
    """Enter one value of the injection, or withdraw it; what follows from it is computed anew."""
    series = found(series_for(request.user, series_id))
    field = request.POST.get("field", "")
    if field not in set(EntryField):
        raise Http404

    def enter() -> None:
        enter_injection(
            series=series,
            field=EntryField(field),
            value=request.POST.get("value", ""),
            reason=request.POST.get("reason", ""),
            by=acting(request),
        )
        _follow_up(series_id, request)

    return do(
        request,
        enter,
        said=_("The entry is kept, and everything that rests on it was computed anew."),
        then=_back(request, series_id, series.pair_id),
    )


@require_POST
def reconstruction(request: HttpRequest, series_id: UUID) -> HttpResponse:
    """Take one of the reconstructions that came together, and have it checked."""
    series = found(series_for(request.user, series_id))

    def choose() -> None:
        choose_reconstruction(series=series, key=request.POST.get("key", ""), by=acting(request))
        dispatch.check_series(series.pk)

    return do(
        request,
        choose,
        said=_("The reconstruction is chosen and is being checked."),
        then=reverse("web:upload", args=[series_id]),
    )


def _follow_up(series_id: UUID, request: HttpRequest) -> None:
    series = found(series_for(request.user, series_id))
    if series.status == SeriesStatus.RECEIVED:
        dispatch.check_series(series.pk)
        return
    dispatch.derive_pair(series.pair_id)
    dispatch.screen_pair(series.pair_id)


def _back(request: HttpRequest, series_id: UUID, pair_id: UUID) -> str:
    """To the page the form stood on: that of the series or that of the pair."""
    if request.POST.get("from") == "series":
        return reverse("web:upload", args=[series_id])
    return reverse("web:pair", args=[pair_id])
