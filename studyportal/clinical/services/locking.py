"""Locks signed forms; two people unlock one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from studyportal.clinical.models import Form, FormUnlock
from studyportal.clinical.selectors import signatures_of
from studyportal.clinical.services.opening import keep_act, locked
from studyportal.clinical.states import FORM, FORM_UNLOCK, FormStatus, UnlockStatus
from studyportal.core import clock
from studyportal.core.errors import NotAllowed, Reason, Refused
from studyportal.core.models import User
from studyportal.core.services import advance, begin
from studyportal.sites.rules import Action
from studyportal.sites.services import require

if TYPE_CHECKING:
    from studyportal.participants.models import Participant


@transaction.atomic
def lock_form(*, form: Form, by: User) -> Form:
    """Nobody reopens the form until two people have unlocked it.

    Raises
    ------
    Refused
        When it is not signed, or no signature on it counts.
    """
    require(by, Action.LOCK_DATA, site=form.participant.site)
    form = locked(form)
    _lock(form, _soundly_signed(form.participant), by=by)
    return form


@transaction.atomic
def lock_forms(*, participant: Participant, by: User) -> int:
    """Every signed form of the participant is locked; says how many.

    Raises
    ------
    Refused
        When none is signed, or no signature on one of them counts.
    """
    require(by, Action.LOCK_DATA, site=participant.site)
    forms = list(
        Form.objects.select_for_update(of=("self",))
        .filter(participant=participant, status=FormStatus.SIGNED)
        .select_related("participant__site")
        .order_by("pk")
    )
    if not forms:
        raise Refused(Reason("form_not_signed", "No form of this participant waits to be locked."))
    sound = _soundly_signed(participant)
    for form in forms:
        _lock(form, sound, by=by)
    return len(forms)


def _soundly_signed(participant: Participant) -> set[object]:
    return {one.signature.form_id for one in signatures_of(participant) if one.counts}


def _lock(form: Form, sound: set[object], *, by: User) -> None:
    if form.status != FormStatus.SIGNED:
        raise Refused(Reason("form_not_signed", f"The form is {form.status}, not signed."))
    if form.pk not in sound:
        sentence = "No signature on this form counts: the form was changed past the portal."
        raise Refused(Reason("signature_broken", sentence))
    advance(form, FORM, FormStatus.LOCKED, by=by)
    keep_act("lock_form", form, "was locked", by=by)


@transaction.atomic
def ask_form_unlock(*, form: Form, why: str, by: User) -> FormUnlock:
    """A second person is asked to unlock the form.

    Raises
    ------
    Refused
        When it is not locked, no reason is given, or it is asked already.
    """
    require(by, Action.LOCK_DATA, site=form.participant.site)
    form = locked(form)
    if not why.strip():
        raise Refused(Reason("reason_missing", "Say why the form should be unlocked.", "why"))
    if form.status != FormStatus.LOCKED:
        raise Refused(Reason("form_not_locked", f"The form is {form.status}, not locked."))
    if FormUnlock.objects.filter(form=form, status=UnlockStatus.ASKED).exists():
        raise Refused(Reason("unlock_asked", "A second person is asked already."))
    row = FormUnlock.objects.create(
        form=form, status=UnlockStatus.ASKED, why=why.strip(), asked_at=clock.now(), asked_by=by
    )
    begin(row, FORM_UNLOCK, by=by, reason=row.why)
    keep_act("ask_form_unlock", form, "is to be unlocked", by=by, reason=row.why)
    return row


@transaction.atomic
def decide_form_unlock(*, unlock: FormUnlock, granted: bool, why: str, by: User) -> FormUnlock:
    """Another person than who asked has decided; granted, the form can be reopened with a reason.

    The signatures on it count until it is reopened.

    Raises
    ------
    NotAllowed
        When the person who asked decides.
    Refused
        When no reason is given or it is decided already.
    """
    form = unlock.form
    require(by, Action.LOCK_DATA, site=form.participant.site)
    if unlock.asked_by_id == by.pk:
        sentence = "You asked for it; a second person decides."
        raise NotAllowed(Reason("two_people", sentence))
    if not why.strip():
        raise Refused(Reason("reason_missing", "Say why you decide so.", "why"))
    form = locked(form)
    target = UnlockStatus.GRANTED if granted else UnlockStatus.DECLINED
    advance(
        unlock, FORM_UNLOCK, target, by=by, reason=why.strip(),
        decided_why=why.strip(), decided_at=clock.now(), decided_by=by,
    )  # fmt: skip
    if granted:
        advance(form, FORM, FormStatus.SIGNED, by=by, reason=why.strip())
    word = "was unlocked" if granted else "stays locked"
    keep_act("decide_form_unlock", form, word, by=by, reason=why.strip())
    return unlock
