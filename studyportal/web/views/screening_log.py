"""The screening log with those who declined, and overrides by two people."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from studyportal.core import clock
from studyportal.participants.selectors import (
    DECLINED,
    LogFilter,
    log_counts,
    override_for,
    participant_for,
    screening_log,
)
from studyportal.participants.services import (
    ask_override,
    decide_override,
    record_declined,
    standing_in_the_way,
)
from studyportal.participants.states import OverrideStatus
from studyportal.protocol.selectors import active_protocol
from studyportal.sites.rules import Action
from studyportal.sites.selectors import may, sites_visible_to
from studyportal.web.answers import Attempt, acting, found, paged
from studyportal.web.conduct_forms import BecauseForm, DecideForm, DeclinedForm
from studyportal.web.conduct_words import AGE_WORDS, DECLINE_WORDS
from studyportal.web.words import REFUSED, STATUS_WORDS, Word


@require_GET
def log_page(request: HttpRequest) -> HttpResponse:
    """Everybody who was asked or screened, with what became of it."""
    chosen = LogFilter(site=request.GET.get("site", ""), outcome=request.GET.get("outcome", ""))
    outcomes = {**STATUS_WORDS["participant"], DECLINED: Word(REFUSED, _("declined"))}
    context = {
        "chosen": chosen,
        "page": paged(request, screening_log(request.user, chosen)),
        "counts": log_counts(request.user, site=chosen.site),
        "outcomes": outcomes,
        "decline_words": DECLINE_WORDS,
        "age_words": AGE_WORDS,
        "criteria": {criterion.code: criterion for criterion in active_protocol().criteria},
        "sites": sites_visible_to(request.user, Action.SEE_PARTICIPANTS),
        "may_screen": may(request.user, Action.SCREEN_PARTICIPANT),
    }
    return render(request, "web/screening_log.html", context)


def declined(request: HttpRequest) -> HttpResponse:
    """Write down that somebody declined."""
    form = DeclinedForm(
        request.POST or None,
        sites=sites_visible_to(request.user, Action.SCREEN_PARTICIPANT),
        initial={"declined_on": clock.today(), "submission": uuid4()},
    )
    if request.method == "POST" and form.is_valid():
        with Attempt(form.take) as tried:
            record_declined(
                site=form.cleaned_data["site"],
                facts=form.facts,
                submission=form.cleaned_data["submission"],
                by=acting(request),
            )
        if tried.succeeded:
            messages.success(request, _("It stands on the screening log."))
            return redirect("web:screening_log")
    return render(
        request, "web/declined.html", {"form": form}, status=422 if form.is_bound else 200
    )


def override_ask(request: HttpRequest, participant_id: UUID) -> HttpResponse:
    """Ask a second person to override what stands in the way."""
    participant = found(participant_for(request.user, participant_id))
    standing = standing_in_the_way(participant)
    form = BecauseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with Attempt(form.take) as tried:
            ask_override(
                participant=participant,
                criteria=standing,
                because=form.cleaned_data["reason"],
                by=acting(request),
            )
        if tried.succeeded:
            messages.success(request, _("A second person is asked to decide."))
            return redirect("web:participant", participant.pk)
    context = {"form": form, "participant": participant, "standing": _named(standing)}
    return render(request, "web/override_ask.html", context, status=422 if form.is_bound else 200)


def override_decide(request: HttpRequest, override_id: UUID) -> HttpResponse:
    """Decide, as the second person."""
    override = found(override_for(request.user, override_id))
    form = DecideForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        granted = form.cleaned_data["granted"] == "yes"
        with Attempt(form.take) as tried:
            decide_override(
                override=override,
                granted=granted,
                because=form.cleaned_data["reason"],
                by=acting(request),
            )
        if tried.succeeded:
            messages.success(request, _("The decision is kept."))
            return redirect("web:participant", override.participant_id)
    context = {
        "form": form,
        "override": override,
        "participant": override.participant,
        "standing": _named(override.criteria),
        "own": override.asked_by_id == request.user.pk,
        "over": override.status != OverrideStatus.ASKED,
    }
    return render(
        request, "web/override_decide.html", context, status=422 if form.is_bound else 200
    )


def _named(codes: Iterable[str]) -> list[tuple[str, str]]:
    known = {criterion.code: criterion.unmet for criterion in active_protocol().criteria}
    return [(code, known.get(code, "")) for code in codes]
