"""Worklist, screening, and a participant's way from screening to outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from studyportal.clinical.rules import FORMS
from studyportal.clinical.selectors import forms_of, reference_for
from studyportal.core import clock
from studyportal.core.selectors import acts_on_any
from studyportal.dashboards.rules import Step
from studyportal.dashboards.selectors import WorkFilter, WorkRow, missing_of, worklist
from studyportal.imaging.selectors import pair_of, series_of_pair
from studyportal.imaging.states import IN_INTAKE
from studyportal.outcomes.selectors import measurements_of_pair
from studyportal.participants.rules import assess, faults_of
from studyportal.participants.selectors import (
    answers_of,
    assessments_of,
    consents_of,
    latest_assessment,
    offers_at,
    participant_for,
)
from studyportal.participants.services import (
    complete_screening,
    enrol_participant,
    screen_participant,
)
from studyportal.participants.states import ParticipantStatus
from studyportal.protocol.selectors import active_protocol
from studyportal.queries.selectors import live_counts, queries_of
from studyportal.sites.rules import Action
from studyportal.sites.selectors import may, sites_visible_to
from studyportal.syntheses.selectors import jobs_of_pair
from studyportal.web.answers import Attempt, acting, do, found, paged
from studyportal.web.chain import ChainSources, chain_of
from studyportal.web.conduct import conduct_of, declared_versions
from studyportal.web.crf import said
from studyportal.web.forms import CriteriaForm, ScreeningForm
from studyportal.web.signing import casebook_state
from studyportal.web.steps import STEP_BUTTONS, STEP_WORDS, place_of
from studyportal.web.words import STATUS_WORDS

if TYPE_CHECKING:
    from django.utils.functional import Promise

    from studyportal.participants.models import Participant


_ACTS_SHOWN = 40


class Line(NamedTuple):
    """One line of the worklist."""

    row: WorkRow
    text: str | Promise
    button: str | Promise | None
    place: str
    queries: int


@require_GET
def worklist_page(request: HttpRequest) -> HttpResponse:
    """One row per participant with the one thing still missing."""
    chosen = WorkFilter(
        site=request.GET.get("site", ""),
        status=request.GET.get("status", ""),
        step=request.GET.get("step", ""),
        search=request.GET.get("search", ""),
    )
    page = paged(request, worklist(request.user, chosen))
    asked = live_counts(request.user, [row.code for row in page])
    lines = [
        Line(
            row,
            STEP_WORDS[row.missing.step],
            STEP_BUTTONS.get(row.missing.step),
            place_of(row),
            asked.get(row.code, 0),
        )
        for row in page
    ]
    context = {
        "chosen": chosen,
        "page": page,
        "lines": lines,
        "sites": sites_visible_to(request.user, Action.SEE_PARTICIPANTS),
        "statuses": STATUS_WORDS["participant"].items(),
        "steps": STEP_WORDS.items(),
        "may_screen": may(request.user, Action.SCREEN_PARTICIPANT),
    }
    return render(request, "web/worklist.html", context)


def screen(request: HttpRequest) -> HttpResponse:
    """Screen a participant: criteria, consent, verdict."""
    sites = sites_visible_to(request.user, Action.SCREEN_PARTICIPANT)
    protocol = active_protocol()
    form = ScreeningForm(
        request.POST or None,
        protocol=protocol,
        declared=declared_versions(request.user),
        sites=sites,
        initial={"screening_date": clock.today(), "submission": uuid4()},
    )
    if request.method == "POST" and form.is_valid():
        site = form.cleaned_data["site"]
        with Attempt(form.take) as tried:
            facts = form.facts(today=clock.today())
            participant = screen_participant(
                site=site,
                facts=facts,
                submission=form.read("submission"),
                another_person=bool(form.read("another_person")),
                by=acting(request),
            )
        if tried.succeeded:
            messages.success(request, _("%(code)s was screened.") % {"code": participant.code})
            return redirect("web:participant", participant.pk)
    status = 422 if form.is_bound else 200
    return render(request, "web/screen.html", {"form": form, **_verdict(form)}, status=status)


@require_POST
def screen_verdict(request: HttpRequest) -> HttpResponse:
    """The verdict as the answers stand now, and why."""
    sites = sites_visible_to(request.user, Action.SCREEN_PARTICIPANT)
    form = ScreeningForm(
        request.POST,
        protocol=active_protocol(),
        declared=declared_versions(request.user),
        sites=sites,
    )
    form.is_valid()
    return render(request, "web/partials/verdict.html", _verdict(form))


def _verdict(form: ScreeningForm) -> dict[str, Any]:
    if not form.is_bound:
        return {}
    today = clock.today()
    facts = form.facts(today=today)
    site = form.read("site")
    offers = offers_at(site) if site else []
    faults = [
        fault
        for fault in faults_of(facts, form.protocol, today=today, offers=offers)
        if form.read(fault.where) is not None or fault.where == "consent_date"
    ]
    return {"assessment": assess(facts.answers, form.protocol.criteria), "faults": faults}


@require_GET
def participant_page(request: HttpRequest, participant_id: UUID) -> HttpResponse:
    """The whole way of one participant."""
    participant = found(participant_for(request.user, participant_id))
    row = found(missing_of(request.user, participant.pk))
    pair = pair_of(participant)
    series = list(series_of_pair(pair)) if pair else []
    assessments = list(assessments_of(participant))
    assessment = assessments[0] if assessments else None
    consents = list(consents_of(participant))
    conduct = conduct_of(request.user, participant, consents, assessments)
    sources = ChainSources(
        participant=participant,
        assessment=assessment,
        consents=consents,
        pair=pair,
        series=series,
        jobs=list(jobs_of_pair(pair)) if pair else [],
        references=list(reference_for(request.user, participant).select_related("entered_by")),
        sees_outcomes=may(request.user, Action.SEE_OUTCOMES),
        measured=measurements_of_pair(request.user, pair.pk).count() if pair else 0,
        removed=conduct["removed"],
    )
    forms = list(forms_of(participant))
    context = {
        "participant": participant,
        "row": row,
        "step_word": STEP_WORDS[row.missing.step],
        "pair": pair,
        "chain": chain_of(sources),
        "sendable": _sendable(request, participant, series),
        "answers": _answers(assessment),
        "references": sources.references,
        "form_lines": _form_lines(forms),
        "casebook_state": casebook_state(participant),
        "queries": queries_of(request.user, participant.code),
        "sees_queries": may(request.user, Action.SEE_QUERIES, site=participant.site),
        "sees_audit": may(request.user, Action.SEE_AUDIT, site=participant.site),
        "may_ask": may(request.user, Action.RAISE_QUERY, site=participant.site),
        "history": acts_on_any(
            [participant.pk, *(form.pk for form in forms), *_images(pair, series)]
        )[:_ACTS_SHOWN],
        "may_screen": may(request.user, Action.SCREEN_PARTICIPANT, site=participant.site),
        "may_enter": may(request.user, Action.ENTER_CLINICAL, site=participant.site)
        and not conduct["withdrawals"],
        **conduct,
        "may_enrol": row.missing.step == Step.ENROL and row.mine,
        "may_answer": row.missing.step in (Step.ANSWER_CRITERIA, Step.RECORD_CONSENT) and row.mine,
    }
    return render(request, "web/participant.html", context)


class FormLine(NamedTuple):
    """One kind of form with what was opened of it."""

    kind: str
    title: str
    forms: list[Any]
    may_begin: bool


def _form_lines(forms: list[Any]) -> list[FormLine]:
    opened: dict[str, list[Any]] = {}
    for form in forms:
        opened.setdefault(form.kind, []).append(form)
    return [
        FormLine(kind, said(one.title), opened.get(kind, []), one.repeats or kind not in opened)
        for kind, one in FORMS.items()
    ]


def _images(pair: Any, series: list[Any]) -> list[UUID]:
    return [pair.pk, *(row.pk for row in series)] if pair else []


def _answers(assessment: Any) -> list[Any]:
    texts = {criterion.code: criterion for criterion in active_protocol().criteria}
    rows = answers_of(assessment) if assessment else []
    return [(row, texts.get(row.criterion)) for row in rows]


def _sendable(request: HttpRequest, participant: Participant, series: list[Any]) -> list[str]:
    """Roles in which a series can be sent now: enrolled, and none accepted or being checked."""
    enrolled = participant.status == ParticipantStatus.ENROLLED
    if not enrolled or not may(request.user, Action.UPLOAD_IMAGES, site=participant.site):
        return []
    busy = {row.role for row in series if row.status in ("accepted", *IN_INTAKE)}
    return [role for role in ("source", "reference", "outlines") if role not in busy]


@require_POST
def enrol(request: HttpRequest, participant_id: UUID) -> HttpResponse:
    """Enrol an eligible participant."""
    participant = found(participant_for(request.user, participant_id))
    return do(
        request,
        lambda: enrol_participant(participant=participant, by=acting(request)),
        said=_("%(code)s is enrolled. Send the CT and the PET next.") % {"code": participant.code},
        then=reverse("web:participant", args=[participant.pk]),
    )


def criteria(request: HttpRequest, participant_id: UUID) -> HttpResponse:
    """Answer what screening left open."""
    participant = found(participant_for(request.user, participant_id))
    assessment = latest_assessment(participant)
    known: dict[str, Any] = (
        {row.criterion: row.answer for row in answers_of(assessment)} if assessment else {}
    )
    consent = consents_of(participant).last()
    if consent:
        known |= {
            "consent_date": consent.signed_on,
            "consent_version": consent.version,
            "consent_language": consent.language,
        }
    form = CriteriaForm(
        request.POST or None,
        protocol=active_protocol(),
        declared=declared_versions(request.user),
        initial=known,
    )
    if request.method == "POST" and form.is_valid():
        with Attempt(form.take) as tried:
            complete_screening(
                participant=participant,
                answers=form.answers,
                consent_date=form.read("consent_date"),
                consent_version=form.read("consent_version", ""),
                consent_language=form.read("consent_language", ""),
                by=acting(request),
            )
        if tried.succeeded:
            messages.success(request, _("The answers are kept."))
            return redirect("web:participant", participant.pk)
    status = 422 if form.is_bound else 200
    context = {"form": form, "participant": participant}
    return render(request, "web/criteria.html", context, status=status)
