"""The report of de-identification of one series, to be filed at the site."""

import json
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from studyportal.imaging.rules import report_lines
from studyportal.imaging.selectors import series_for
from studyportal.web.answers import found
from studyportal.web.words import ROLE_WORDS

_TYPES = {"json": "application/json", "txt": "text/plain; charset=utf-8"}


@require_GET
def report(request: HttpRequest, series_id: UUID, ending: str) -> HttpResponse:
    """Which rules acted on the series, as text or as JSON."""
    series = found(series_for(request.user, series_id))
    if not series.deidentification or ending not in _TYPES:
        raise Http404
    code = series.pair.participant.code
    named = {"participant": code, "series": series.role, "series_uid": series.series_uid}
    facts = {**series.deidentification, **named}
    title = f"{code}, {ROLE_WORDS[series.role]}: de-identification"
    lines = "\n".join(report_lines(facts, title=title)) + "\n"
    content = lines if ending == "txt" else json.dumps(facts, indent=1, sort_keys=True)
    name = f"{code}_{series.role}_deidentification.{ending}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type=_TYPES[ending], headers=headers)
