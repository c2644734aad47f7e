"""Data queries: the worklist, one query with its thread, and what people do with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from studyportal.core import clock
from studyportal.imaging.selectors import pairs_visible_to
from studyportal.imaging.states import SeriesRole
from studyportal.participants.selectors import participant_for, participants_visible_to
from studyportal.queries.rules import Act
from studyportal.queries.selectors import (
    QueryFilter,
    acts_on_query,
    grouped_queries,
    messages_of,
    moves_of,
    query_for,
)
from studyportal.queries.services import (
    Subject,
    answer_query,
    close_query,
    raise_query,
    reopen_query,
)
from studyportal.queries.states import LIVE
from studyportal.sites.rules import Action
from studyportal.sites.selectors import may, sites_visible_to
from studyportal.web.answers import Attempt, acting, found, paged
from studyportal.web.permissions import allowed
from studyportal.web.query_forms import ActForm, AskForm
from studyportal.web.query_words import ACT_WORDS, AGE_WORDS, FORM_WORDS, STATE_CHOICES

if TYPE_CHECKING:
    from studyportal.queries.models import DataQuery
    from studyportal.sites.selectors import Person

_SERVICES: Mapping[Act, Callable[..., DataQuery]] = {
    Act.ANSWER: answer_query,
    Act.CLOSE: close_query,
    Act.REOPEN: reopen_query,
}


@require_GET
def queries(request: HttpRequest) -> HttpResponse:
    """Queries of the person's sites, form by form of each participant."""
    chosen = QueryFilter(
        state=request.GET.get("state", ""),
        site=request.GET.get("site", ""),
        participant=request.GET.get("participant", ""),
        form=request.GET.get("form", ""),
        age=request.GET.get("age", ""),
        words=request.GET.get("words", ""),
    )
    context = {
        "chosen": chosen,
        "narrowed": any(vars(chosen).values()),
        "page": paged(request, grouped_queries(request.user, chosen, today=clock.today())),
        "sites": sites_visible_to(request.user, Action.SEE_QUERIES),
        "states": STATE_CHOICES.items(),
        "forms": FORM_WORDS.items(),
        "ages": AGE_WORDS.items(),
    }
    return render(request, "web/queries.html", context)


@require_GET
def query_page(request: HttpRequest, query_id: UUID) -> HttpResponse:
    """One query: what is asked, what was said, and what the person may do."""
    return _show(request, found(query_for(request.user, query_id)))


def _show(
    request: HttpRequest, query: DataQuery, tried: ActForm | None = None, *, status: int = 200
) -> HttpResponse:
    acts = acts_on_query(request.user, query)
    if tried is not None and tried.act not in acts:  # somebody else moved it; what was typed stays
        acts = (*acts, tried.act)
    participant = participants_visible_to(request.user).filter(code=query.participant_code).first()
    sends = participant is not None and may(request.user, Action.UPLOAD_IMAGES, site=query.site)
    context = {
        "query": query,
        "thread": messages_of(query),
        "moves": moves_of(query),
        "forms": [tried if tried and tried.act == act else ActForm(act=act) for act in acts],
        "place": _place(request.user, query),
        "participant": participant,
        "sends": sends and query.status in LIVE and query.field in set(SeriesRole),
    }
    return render(request, "web/query.html", context, status=status)


def _place(user: Person, query: DataQuery) -> str:
    """Where the fault is mended; empty where the participant's own page is the place."""
    if query.form != "images":
        return ""
    if query.field == "arrival":
        return reverse("web:inbox") if allowed(user, "inbox") else ""
    pair = pairs_visible_to(user).filter(participant__code=query.participant_code).first()
    return reverse("web:pair", args=[pair.pk]) if pair else ""


@require_POST
def answer(request: HttpRequest, query_id: UUID) -> HttpResponse:
    """Answer for the site."""
    return _act(request, query_id, Act.ANSWER)


@require_POST
def close(request: HttpRequest, query_id: UUID) -> HttpResponse:
    """Close with a reason."""
    return _act(request, query_id, Act.CLOSE)


@require_POST
def reopen(request: HttpRequest, query_id: UUID) -> HttpResponse:
    """Ask the site again."""
    return _act(request, query_id, Act.REOPEN)


def _act(request: HttpRequest, query_id: UUID, act: Act) -> HttpResponse:
    query = found(query_for(request.user, query_id))
    form = ActForm(request.POST, act=act)
    if form.is_valid():
        with Attempt(form.take) as tried:
            _SERVICES[act](query=query, text=form.cleaned_data["text"], by=acting(request))
        if tried.succeeded:
            messages.success(request, str(ACT_WORDS[act][2]))
            return redirect("web:query", query.pk)
        query = found(query_for(request.user, query_id))
    return _show(request, query, form, status=422)


def ask(request: HttpRequest, participant_id: UUID) -> HttpResponse:
    """Ask the site about a form of a participant."""
    participant = found(participant_for(request.user, participant_id))
    form = AskForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        about = form.cleaned_data["form"]
        subject = Subject(participant.site, participant.code, about, participant.pk)
        with Attempt(form.take) as tried:
            query = raise_query(subject=subject, asked=form.asked, by=acting(request))
        if tried.succeeded:
            messages.success(request, _("The site is asked."))
            return redirect("web:query", query.pk)
    context: dict[str, Any] = {
        "form": form,
        "participant": participant,
        "may_ask": may(request.user, Action.RAISE_QUERY, site=participant.site),
    }
    status = 422 if form.is_bound else 200
    return render(request, "web/ask.html", context, status=status)
