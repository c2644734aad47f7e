"""Consent: signatures, versions of the form, and withdrawal with its certificate."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from studyportal.core import clock
from studyportal.participants.rules import Why
from studyportal.participants.selectors import (
    consent_needed,
    consent_versions_visible_to,
    consents_of,
    offers_at,
    participant_for,
    withdrawal_for,
    withdrawals_of,
)
from studyportal.participants.services import (
    declare_consent_version,
    record_consent,
    record_withdrawal,
)
from studyportal.participants.states import WithdrawalStatus
from studyportal.protocol.selectors import active_protocol
from studyportal.sites.rules import Action
from studyportal.sites.selectors import every_site, may
from studyportal.tasks import dispatch
from studyportal.web.answers import Attempt, acting, found
from studyportal.web.conduct_forms import ConsentForm, VersionForm, WithdrawForm
from studyportal.web.conduct_words import SCOPE_WORDS, WHY_WORDS, room_line


def consent(request: HttpRequest, participant_id: UUID) -> HttpResponse:
    """Record which version a participant signed, and when."""
    participant = found(participant_for(request.user, participant_id))
    offers, need = offers_at(participant.site), consent_needed(participant)
    versions = list(
        dict.fromkeys(
            (
                *(offer.version for offer in reversed(offers) if offer.valid_until is None),
                *(offer.version for offer in reversed(offers)),
                *active_protocol().consent_versions,
            )
        )
    )
    form = ConsentForm(
        request.POST or None,
        versions=versions,
        initial={"consent_version": need.version if need else None},
    )
    if request.method == "POST" and form.is_valid():
        with Attempt(form.take) as tried:
            record_consent(
                participant=participant,
                version=form.cleaned_data["consent_version"],
                language=form.cleaned_data["consent_language"],
                signed_on=form.cleaned_data["consent_date"],
                by=acting(request),
            )
        if tried.succeeded:
            messages.success(request, _("The consent is kept."))
            return redirect("web:participant", participant.pk)
    context = {
        "form": form,
        "participant": participant,
        "need": need,
        "consents": consents_of(participant),
        "offers": offers,
    }
    return render(request, "web/consent.html", context, status=422 if form.is_bound else 200)


@require_GET
def consent_versions(request: HttpRequest) -> HttpResponse:
    """The versions of the consent form, site by site."""
    context = {
        "versions": consent_versions_visible_to(request.user),
        "of_protocol": active_protocol().consent_versions,
        "may_declare": may(request.user, Action.MANAGE_PROTOCOL),
        "today": clock.today(),
    }
    return render(request, "web/consent_versions.html", context)


def declare_version(request: HttpRequest) -> HttpResponse:
    """Declare a version that a site's ethics committee approved."""
    form = VersionForm(
        request.POST or None, sites=every_site(), initial={"valid_from": clock.today()}
    )
    if request.method == "POST" and form.is_valid():
        with Attempt(form.take) as tried:
            declare_consent_version(
                site=form.cleaned_data["site"],
                offer=form.offer,
                approval=form.cleaned_data["approval"],
                by=acting(request),
            )
        if tried.succeeded:
            messages.success(request, _("The version is declared."))
            return redirect("web:consent_declare")
    context = {"form": form, "versions": consent_versions_visible_to(request.user)}
    return render(
        request, "web/consent_declare.html", context, status=422 if form.is_bound else 200
    )


def withdraw(request: HttpRequest, participant_id: UUID) -> HttpResponse:
    """Record that a participant withdrew, and have every room obey."""
    participant = found(participant_for(request.user, participant_id))
    form = WithdrawForm(
        request.POST or None, code=participant.code, initial={"withdrawn_on": clock.today()}
    )
    if request.method == "POST" and form.is_valid():
        with Attempt(form.take) as tried:
            row = record_withdrawal(
                participant=participant,
                scope=form.chosen_scope,
                withdrawn_on=form.cleaned_data["withdrawn_on"],
                why=Why(form.cleaned_data["why"]),
                note=form.cleaned_data["note"],
                by=acting(request),
            )
            dispatch.obey_withdrawal(row.pk)
        if tried.succeeded:
            messages.success(request, _("The withdrawal is recorded and is being carried out."))
            return redirect("web:withdrawal", row.pk)
    context = {
        "form": form,
        "participant": participant,
        "withdrawals": withdrawals_of(participant),
    }
    return render(request, "web/withdraw.html", context, status=422 if form.is_bound else 200)


@require_GET
def withdrawal(request: HttpRequest, withdrawal_id: UUID) -> HttpResponse:
    """The certificate: what each room did, when, and what stays."""
    row = found(withdrawal_for(request.user, withdrawal_id))
    lines = [room_line(step) for step in row.steps.all()]
    context: dict[str, Any] = {
        "withdrawal": row,
        "lines": lines,
        "open": row.status == WithdrawalStatus.RECORDED,
        "scope_word": SCOPE_WORDS[row.scope],
        "why_word": WHY_WORDS[row.why],
        "now": clock.now(),
    }
    return render(request, "web/withdrawal.html", context)
