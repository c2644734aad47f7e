"""Signs forms and casebooks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction

from studyportal.clinical.models import Form, Signature
from studyportal.clinical.rules import CANONICAL_FORMAT, FORMS, Signing, signing_faults
from studyportal.clinical.selectors import casebook_of, form_digests, kept, standing_on
from studyportal.clinical.selectors.signatures import checked
from studyportal.clinical.services.opening import keep_act, locked
from studyportal.clinical.states import FORM, FormStatus
from studyportal.core import clock
from studyportal.core.errors import Reason, refuse_if
from studyportal.core.models import User
from studyportal.core.services import advance, record
from studyportal.queries.selectors import live_among
from studyportal.sites.rules import ROLE_NAMES, Action, Role
from studyportal.sites.selectors import memberships_of
from studyportal.sites.services import require

if TYPE_CHECKING:
    from studyportal.participants.models import Participant

SIGNABLE = frozenset({FormStatus.VERIFIED, FormStatus.SIGNED, FormStatus.LOCKED})


@dataclass(frozen=True)
class _Record:
    """What is signed: a form, or with `form` None the casebook."""

    participant: Participant
    form: Form | None
    sha256: str
    forms_sha256: dict[str, str]


@transaction.atomic
def sign_form(*, form: Form, signing: Signing, by: User) -> Signature:
    """The form is signed: who, when, what it means, and the digest of what was signed are kept for good.

    Source: 21 CFR 11.50, 11.70, 11.200(a)(1).

    Raises
    ------
    Refused
        When the form is not verified, the proof is not of now, or the form is not the one that was shown.
    """
    require(by, Action.SIGN_RECORDS, site=form.participant.site)
    form = locked(form)
    sha256 = form_digests([form])[form.pk]
    refuse_if(
        [
            *reasons_against_signing(form),
            *signing_faults(signing, now=clock.now(), sha256=sha256),
            *_signed_already(form.participant, form, signing, by=by),
        ]
    )
    return _sign(_Record(form.participant, form, sha256, {}), signing, by=by)


@transaction.atomic
def sign_casebook(*, participant: Participant, signing: Signing, by: User) -> Signature:
    """The whole casebook is signed as it stands, and with it each of its forms that was not signed before.

    Raises
    ------
    Refused
        When a form is not verified, the proof is not of now, or the casebook is not the one that was shown.
    """
    require(by, Action.SIGN_RECORDS, site=participant.site)
    _lock_forms(participant)
    book = casebook_of(participant)
    refuse_if(
        [
            *reasons_against_signing_casebook(participant),
            *signing_faults(signing, now=clock.now(), sha256=book.sha256),
            *_signed_already(participant, None, signing, by=by),
        ]
    )
    parts = {str(key): digest for key, digest in book.digests.items()}
    whole = _sign(_Record(participant, None, book.sha256, parts), signing, by=by)
    for form in book.forms:
        if form.status == FormStatus.VERIFIED:
            part = _Record(participant, form, book.digests[form.pk], {})
            _sign(part, signing, by=by, within=whole)
    return whole


def reasons_against_signing(form: Form) -> list[Reason]:
    """Why the form cannot be signed; empty when it can."""
    return _against([form], participant=form.participant)


def reasons_against_signing_casebook(participant: Participant) -> list[Reason]:
    """Why the casebook cannot be signed yet; empty when it can."""
    forms = list(kept(Form).filter(participant=participant).select_related("participant__site"))
    if not forms:
        return [Reason("casebook_empty", "No form of this participant was opened.")]
    return _against(forms, participant=participant)


def _against(forms: list[Form], *, participant: Participant) -> list[Reason]:
    asked = live_among([form.pk for form in forms])
    against = []
    for form in forms:
        title = _title(form)
        if form.status not in SIGNABLE:
            sentence = f"{title} is {form.status}, not verified."
            against.append(Reason("form_not_verified", sentence))
        if count := asked.get(form.pk, 0):
            sentence = f"Data queries about {title} are not closed: {count}."
            against.append(Reason("form_has_queries", sentence))
    standing = standing_on(participant, forms).exclude(form=None)
    for one in checked(standing.select_related("participant__site", "form__participant__site")):
        if one.broken and one.signature.form is not None:
            sentence = (
                f"{_title(one.signature.form)} was changed after it had been signed, past the portal. Reopen it with a "
                "reason first."
            )
            against.append(Reason("signature_broken", sentence))
    return against


def _title(form: Form) -> str:
    number = f" {form.occurrence}" if FORMS[form.kind].repeats else ""
    return f"{FORMS[form.kind].title.en}{number}"


def _signed_already(
    participant: Participant, form: Form | None, signing: Signing, *, by: User
) -> list[Reason]:
    rows = Signature.objects.filter(participant=participant, form=form, voided_at=None)
    if rows.filter(meaning=signing.meaning, signed_by=by).exists():
        return [Reason("signed_already", "You have signed this with the same meaning already.")]
    return []


def _sign(
    what: _Record, signing: Signing, *, by: User, within: Signature | None = None
) -> Signature:
    row = Signature.objects.create(
        participant=what.participant,
        form=what.form,
        within=within,
        meaning=signing.meaning,
        signed_by=by,
        signer_name=str(by),
        signer_roles=_roles(by, what.participant),
        signed_at=clock.now(),
        way=signing.way,
        proved_at=signing.proved_at,
        format=CANONICAL_FORMAT,
        sha256=what.sha256,
        forms_sha256=what.forms_sha256,
    )
    if what.form is None:
        code, site = what.participant.code, what.participant.site.code
        sentence = f"{code}: the casebook was signed."
        record("sign_casebook", what.participant, sentence, by=by, site_code=site)
    else:
        if what.form.status == FormStatus.VERIFIED:
            advance(what.form, FORM, FormStatus.SIGNED, by=by)
        keep_act("sign_form", what.form, "was signed", by=by)
    return row


def _roles(by: User, participant: Participant) -> str:
    held = [
        ROLE_NAMES[Role(one.role)]
        for one in memberships_of(by)
        if one.site_id in (None, participant.site_id)
    ]
    return ", ".join(sorted(held))[:200]


def _lock_forms(participant: Participant) -> None:
    """Whoever changes a form of this participant waits for this transaction."""
    rows = Form.objects.select_for_update().filter(participant=participant).order_by("pk")
    list(rows.values_list("pk"))
