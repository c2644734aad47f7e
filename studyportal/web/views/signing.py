"""Signing forms and casebooks, locking and unlocking forms, and the manifest of signatures."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from studyportal.clinical.rules import Signing
from studyportal.clinical.selectors import (
    CheckedSignature,
    casebook_of,
    checked,
    form_digests,
    form_statuses,
    signatures_at,
    signatures_of,
    signatures_visible_to,
    unchecked_at,
    unlock_for,
    unlocks_waiting,
)
from studyportal.clinical.services import (
    ask_form_unlock,
    decide_form_unlock,
    lock_form,
    lock_forms,
    reasons_against_signing,
    reasons_against_signing_casebook,
    sign_casebook,
    sign_form,
)
from studyportal.clinical.states import FormStatus
from studyportal.core import clock
from studyportal.core.language import said as in_words
from studyportal.core.services import record
from studyportal.participants.selectors import (
    participant_for,
    participants_visible_to,
    removed_ids,
)
from studyportal.sites.rules import Action
from studyportal.sites.selectors import may, sites_visible_to
from studyportal.web.accounts.reauthentication import prove_again
from studyportal.web.answers import Attempt, acting, do, found, paged
from studyportal.web.manifest_files import as_json, as_pdf
from studyportal.web.signing import SignedLine, SignForm, lines_of, state_of, title_of
from studyportal.web.views.crf import address_of, form_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from studyportal.clinical.models import Form
    from studyportal.core.errors import Reason
    from studyportal.participants.models import Participant

_VERIFIED = (FormStatus.VERIFIED, FormStatus.SIGNED, FormStatus.LOCKED)


@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """Participants with how far their forms are verified and signed."""
    site = request.GET.get("site", "")
    people = participants_visible_to(request.user).exclude(status="screen_failed")
    people = people.exclude(pk__in=removed_ids())
    if site:
        people = people.filter(site__code=site)
    shown = paged(request, people, size=25)
    statuses = form_statuses(list(shown))
    rows = signatures_visible_to(request.user).filter(participant__in=list(statuses))
    signed: dict[UUID, list[CheckedSignature]] = {}
    for one in checked(rows):
        signed.setdefault(one.signature.participant_id, []).append(one)
    context = {
        "page": shown,
        "lines": [_book_line(one, statuses[one.pk], signed.get(one.pk, [])) for one in shown],
        "sites": sites_visible_to(request.user, Action.SEE_PARTICIPANTS),
        "site": site,
        "may_sign": may(request.user, Action.SIGN_RECORDS),
        "unlocks": unlocks_waiting(request.user),
    }
    return render(request, "web/signing.html", context)


def _book_line(
    participant: Participant, statuses: list[str], signed: list[CheckedSignature]
) -> dict[str, Any]:
    verified = sum(status in _VERIFIED for status in statuses)
    states = {state_of(one) for one in signed if one.signature.form_id is None}
    if any(state_of(one) == "broken" for one in signed):
        state = "broken"
    elif "stands" in states:
        state = "stands"
    elif statuses and verified == len(statuses):
        state = "ready"
    else:
        state = "waiting"
    return {
        "participant": participant,
        "forms": len(statuses),
        "verified": verified,
        "signed": sum(status in _VERIFIED[1:] for status in statuses),
        "state": state,
    }


@sensitive_post_parameters("proof")
def casebook(request: HttpRequest, participant_id: UUID) -> HttpResponse:
    """Sign the whole casebook of a participant at once."""
    participant = found(participant_for(request.user, participant_id))
    book = casebook_of(participant)

    def act(signing: Signing) -> object:
        return sign_casebook(participant=participant, signing=signing, by=acting(request))

    return _sign(
        request,
        act,
        sha256=book.sha256,
        against=reasons_against_signing_casebook(participant),
        then=reverse("web:signatures", args=[participant.pk]),
        context={
            "participant": participant,
            "title": _("Sign the casebook"),
            "forms": [(title_of(form), form, address_of(form)) for form in book.forms],
        },
    )


@sensitive_post_parameters("proof")
def one_form(
    request: HttpRequest, participant_id: UUID, kind: str, occurrence: int
) -> HttpResponse:
    """Sign one form."""
    form = form_at(request, participant_id, kind, occurrence)

    def act(signing: Signing) -> object:
        return sign_form(form=form, signing=signing, by=acting(request))

    return _sign(
        request,
        act,
        sha256=form_digests([form])[form.pk],
        against=reasons_against_signing(form),
        then=address_of(form),
        context={
            "participant": form.participant,
            "title": _("Sign the form"),
            "forms": [(title_of(form), form, address_of(form))],
        },
    )


def _sign(
    request: HttpRequest,
    act: Callable[[Signing], object],
    *,
    sha256: str,
    against: Sequence[Reason],
    then: str,
    context: dict[str, Any],
) -> HttpResponse:
    form = SignForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with Attempt(form.take) as tried:
            proof = prove_again(request, proof=form.cleaned_data["proof"])
            meaning, seen = form.cleaned_data["meaning"], form.cleaned_data["seen"]
            act(Signing(meaning, proof.way.value, proof.at, seen))
        if tried.succeeded:
            messages.success(request, _("You have signed."))
            return redirect(then)
    facts = {
        "form": form,
        "against": [in_words(reason.sentence) for reason in against],
        "sha256": sha256,
        "now": clock.now(),
        **context,
    }
    return render(request, "web/sign.html", facts, status=422 if form.is_bound else 200)


@require_POST
def lock(request: HttpRequest, participant_id: UUID, kind: str, occurrence: int) -> HttpResponse:
    """Lock one signed form."""
    form = form_at(request, participant_id, kind, occurrence)
    return do(
        request,
        lambda: lock_form(form=form, by=acting(request)),
        said=_("The form is locked."),
        then=address_of(form),
    )


@require_POST
def lock_all(request: HttpRequest, participant_id: UUID) -> HttpResponse:
    """Lock every signed form of a participant."""
    participant = found(participant_for(request.user, participant_id))
    return do(
        request,
        lambda: lock_forms(participant=participant, by=acting(request)),
        said=_("Every signed form of this participant is locked."),
        then=reverse("web:signatures", args=[participant.pk]),
    )


@require_POST
def unlock_ask(
    request: HttpRequest, participant_id: UUID, kind: str, occurrence: int
) -> HttpResponse:
    """Ask a second person to unlock a form."""
    form: Form = form_at(request, participant_id, kind, occurrence)
    why = request.POST.get("why", "")
    return do(
        request,
        lambda: ask_form_unlock(form=form, why=why, by=acting(request)),
        said=_("A second person is asked to unlock the form."),
        then=address_of(form),
    )


@require_POST
def unlock_decide(request: HttpRequest, unlock_id: UUID) -> HttpResponse:
    """Unlock a form that somebody else asked to be unlocked, or leave it locked."""
    unlock = found(unlock_for(request.user, unlock_id))
    why, granted = request.POST.get("why", ""), request.POST.get("granted") == "yes"
    return do(
        request,
        lambda: decide_form_unlock(unlock=unlock, granted=granted, why=why, by=acting(request)),
        said=_("The decision is kept."),
        then=address_of(unlock.form),
    )


@require_GET
def manifest(request: HttpRequest, participant_id: UUID) -> HttpResponse:
    """Every signature on the records of a participant, compared with the records now."""
    participant = found(participant_for(request.user, participant_id))
    site = participant.site
    context = {
        "participant": participant,
        "lines": lines_of(signatures_of(participant)),
        "title": _("Signatures of %(code)s") % {"code": participant.code},
        "may_sign": may(request.user, Action.SIGN_RECORDS, site=site),
        "may_lock": may(request.user, Action.LOCK_DATA, site=site),
        "file_route": "web:signatures_file",
        "file_key": participant.pk,
        "now": clock.now(),
    }
    return render(request, "web/signatures.html", context)


@require_GET
def site_manifest(request: HttpRequest, code: str) -> HttpResponse:
    """Signatures on the records of a site, page by page; its files hold all of them."""
    site = found(sites_visible_to(request.user, Action.SEE_PARTICIPANTS).filter(code=code).first())
    page = paged(request, unchecked_at(site))
    context = {
        "site": site,
        "page": page,
        "lines": lines_of(checked(page)),
        "title": _("Signatures at %(code)s") % {"code": site.code},
        "file_route": "web:site_signatures_file",
        "file_key": site.code,
        "now": clock.now(),
    }
    return render(request, "web/signatures.html", context)


@require_POST
def manifest_file(request: HttpRequest, participant_id: UUID, ending: str) -> HttpResponse:
    """The manifest of a participant as PDF or JSON; who took it is kept."""
    participant = found(participant_for(request.user, participant_id))
    lines, code = lines_of(signatures_of(participant)), participant.code
    answer = _file(
        request, lines, ending, title=_("Signatures of %(code)s") % {"code": code}, name=code
    )
    what = f"The signatures of {code} were downloaded as {ending.upper()}"
    _keep(request, participant, what, site=participant.site.code)
    return answer


@require_POST
def site_manifest_file(request: HttpRequest, code: str, ending: str) -> HttpResponse:
    """The manifest of a site as PDF or JSON; who took it is kept."""
    site = found(sites_visible_to(request.user, Action.SEE_PARTICIPANTS).filter(code=code).first())
    lines = lines_of(signatures_at(site))
    answer = _file(
        request, lines, ending, title=_("Signatures at %(code)s") % {"code": code}, name=code
    )
    what = f"The signatures at {code} were downloaded as {ending.upper()}"
    _keep(request, site, what, site=code)
    return answer


def _file(
    request: HttpRequest, lines: list[SignedLine], ending: str, *, title: str, name: str
) -> HttpResponse:
    if ending not in ("json", "pdf"):
        raise Http404
    person, moment = acting(request), clock.now()
    if ending == "pdf":
        content: bytes | str = as_pdf(lines, title=title, asked_by=str(person), at=moment)
    else:
        content = as_json(lines, title=title, asked_by=person.username, at=moment)
    kind = "application/pdf" if ending == "pdf" else "application/json"
    headers = {"Content-Disposition": f'attachment; filename="signatures-{name}.{ending}"'}
    return HttpResponse(content, content_type=kind, headers=headers)


def _keep(request: HttpRequest, row: Any, what: str, *, site: str) -> None:
    record("hand_out_signatures", row, f"{what}.", by=acting(request), site_code=site)
