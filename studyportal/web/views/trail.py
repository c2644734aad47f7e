"""The audit trail: the page with filters, the history of one participant, and both as files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from studyportal.core import clock
from studyportal.core.chain import head
from studyportal.core.errors import Reason, Refused
from studyportal.core.models import TrailEntry
from studyportal.core.services import record
from studyportal.dashboards.trail import (
    TrailFilter,
    TrailRow,
    history_of_participant,
    kinds,
    people_of_trail,
    rows_of,
    trail,
    user_names,
)
from studyportal.participants.selectors import participant_for
from studyportal.sites.rules import Action
from studyportal.sites.selectors import sites_visible_to
from studyportal.web.answers import ROWS_PER_PAGE, acting, found
from studyportal.web.trail_files import as_json, as_pdf
from studyportal.web.trail_words import (
    LABEL_TONES,
    LABEL_WORDS,
    change_text,
    kind_word,
    label_word,
    people_in,
    sentence,
    way,
    who,
)

MOST_IN_A_FILE = 20_000


@dataclass(frozen=True)
class Said:
    """One row of the trail in words."""

    row: TrailRow
    label: str
    tone: str
    sentence: str
    who: str
    way: str
    changes: list[str]


@require_GET
def audit(request: HttpRequest) -> HttpResponse:
    """Everything that was kept, newest first, as far as the filters leave it."""
    chosen = _chosen(request)
    rows = trail(request.user, chosen)
    before = request.GET.get("before", "")
    if before.isdigit():
        rows = rows.filter(pk__lt=int(before))
    entries = list(rows[: ROWS_PER_PAGE + 1])
    shown = entries[:ROWS_PER_PAGE]
    context = {
        "rows": _said(request, shown),
        "older": shown[-1].pk if len(entries) > ROWS_PER_PAGE else None,
        "newest": not before,
        "chosen": chosen,
        "narrowed": chosen != TrailFilter(),
        "sites": sites_visible_to(request.user, Action.SEE_AUDIT),
        "people": people_of_trail(request.user),
        "kinds": sorted(
            ((key, kind_word(kind)) for key, kind in kinds().items()), key=lambda kind: kind[1]
        ),
        "labels": LABEL_WORDS.items(),
        "head": head(clock.now()),
    }
    return render(request, "web/audit.html", context)


@require_GET
def participant_history(request: HttpRequest, participant_id: UUID) -> HttpResponse:
    """The history of one participant in sentences, oldest first."""
    participant = found(participant_for(request.user, participant_id))
    entries = history_of_participant(request.user, participant)
    after = request.GET.get("after", "")
    if after.isdigit():
        entries = entries.filter(pk__gt=int(after))
    several = list(entries[: ROWS_PER_PAGE + 1])
    shown = several[:ROWS_PER_PAGE]
    context = {
        "participant": participant,
        "rows": _said(request, shown),
        "newer": shown[-1].pk if len(several) > ROWS_PER_PAGE else None,
        "oldest": not after,
    }
    return render(request, "web/participant_history.html", context)


@require_POST
def history_file(request: HttpRequest, participant_id: UUID, ending: str) -> HttpResponse:
    """The history of one participant as JSON or PDF; who took it is kept."""
    participant = found(participant_for(request.user, participant_id))
    entries = history_of_participant(request.user, participant)
    title = _("History of %(code)s") % {"code": participant.code}
    file = _file(request, entries, ending=ending, name=f"history-{participant.code}", title=title)
    what = f"The history of {participant.code} was downloaded as {ending.upper()}"
    _keep(request, participant, what, site=participant.site.code)
    return file


@require_POST
def audit_file(request: HttpRequest, ending: str) -> HttpResponse:
    """What the filters of the page leave as JSON or PDF; who took it is kept."""
    entries = trail(request.user, _chosen(request)).order_by("id")
    file = _file(request, entries, ending=ending, name="audit-trail", title=_("Audit trail"))
    _keep(request, acting(request), f"The audit trail was downloaded as {ending.upper()}")
    return file


def _keep(request: HttpRequest, row: Any, what: str, *, site: str = "") -> None:
    record("hand_out_trail", row, f"{what}.", by=acting(request), site_code=site)


def _file(
    request: HttpRequest, entries: QuerySet[TrailEntry], *, ending: str, name: str, title: str
) -> HttpResponse:
    if ending not in ("json", "pdf"):
        raise Http404
    if entries.count() > MOST_IN_A_FILE:
        raise Refused(
            Reason(
                "too_many",
                _("A file holds up to %(n)s events. Narrow the filters.") % {"n": MOST_IN_A_FILE},
            )
        )
    rows = rows_of(request.user, list(entries))
    people, anchor, person = user_names(people_in(rows)), head(clock.now()), acting(request)
    if ending == "pdf":
        content: bytes | str = as_pdf(
            rows, people, title=title, asked_by=str(person), anchor=anchor
        )
    else:
        about = {"title": title, "asked_by": person.username}
        content = as_json(rows, people, about=about, anchor=anchor)
    kind = "application/pdf" if ending == "pdf" else "application/json"
    headers = {"Content-Disposition": f'attachment; filename="{name}.{ending}"'}
    return HttpResponse(content, content_type=kind, headers=headers)


def _said(request: HttpRequest, entries: list[TrailEntry]) -> list[Said]:
    rows = rows_of(request.user, entries)
    people = user_names(people_in(rows))
    return [
        Said(
            row,
            label_word(row.label),
            LABEL_TONES.get(row.label, "waiting"),
            sentence(row, people),
            who(row),
            way(row),
            [change_text(change, people) for change in row.changes],
        )
        for row in rows
    ]


def _chosen(request: HttpRequest) -> TrailFilter:
    asked = request.GET
    return TrailFilter(
        user=asked.get("user", ""),
        site=asked.get("site", ""),
        participant=asked.get("participant", "").strip(),
        kind=asked.get("kind", ""),
        label=asked.get("label", ""),
        since=_day(asked.get("since", "")),
        until=_day(asked.get("until", "")),
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
