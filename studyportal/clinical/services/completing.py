"""Draft, complete, verified, and back to draft with a reason."""

from __future__ import annotations

from django.db import transaction

from studyportal.clinical.models import Form
from studyportal.clinical.rules import FORMS, FROM_PAGE, Found, asked_twice
from studyportal.clinical.selectors import (
    open_discrepancies,
    rows_of,
    scope_for,
    second_entry_of,
)
from studyportal.clinical.services.checking import findings_of, settle_checks, touched_forms
from studyportal.clinical.services.deriving import derive_reference
from studyportal.clinical.services.opening import keep_act, locked, taken
from studyportal.clinical.services.sampling import draw_participant
from studyportal.clinical.services.voiding import void_signatures
from studyportal.clinical.states import CORRECTABLE, FORM, FormStatus
from studyportal.core import clock
from studyportal.core.errors import Reason, Refused, refuse_if
from studyportal.core.models import User
from studyportal.core.services import advance
from studyportal.queries.selectors import live_about
from studyportal.sites.rules import Action
from studyportal.sites.services import require


@transaction.atomic
def complete_form(*, form: Form, by: User) -> Form:
    """The form is complete, its soft checks are asked about, and the reference standard follows from it.

    Raises
    ------
    Refused
        When an answer is missing, cannot be read or cannot be; with every reason.
    """
    form = taken(form, by=by)
    refuse_if([_reason(form, one) for one in findings_of(form) if one.stands_in_the_way])
    advance(
        form,
        FORM,
        FormStatus.COMPLETE,
        by=by,
        reason=form.correction_reason,
        completed_at=clock.now(),
        completed_by=by,
    )
    settle_checks(touched_forms(form))
    derive_reference(form.participant, by=by)
    draw_participant(form)
    keep_act("complete_form", form, "was completed", by=by)
    return form


def _reason(form: Form, found: Found) -> Reason:
    label = FORMS[form.kind].unit_label(found.unit).en if found.unit else ""
    sentence = f"{label}: {found.text.en}" if label else found.text.en
    return Reason(found.id, sentence, f"{found.unit}.{found.field}")


@transaction.atomic
def verify_form(*, form: Form, by: User) -> Form:
    """The form is verified against its sources, as far as the plan of the site asks for.

    Raises
    ------
    Refused
        When it is not complete, queries about it are open, or its two entries are missing or differ.
    """
    require(by, Action.VERIFY_FORM, site=form.participant.site)
    form = locked(form)
    refuse_if(reasons_against_verifying(form))
    advance(
        form,
        FORM,
        FormStatus.VERIFIED,
        by=by,
        verified_at=clock.now(),
        verified_by=by,
        verified_scope=scope_for(form),
    )
    keep_act("verify_form", form, "was verified", by=by)
    return form


def reasons_against_verifying(form: Form) -> list[Reason]:
    """Why the form cannot be verified yet; empty when it can."""
    if form.status != FormStatus.COMPLETE:
        return [Reason("form_not_complete", f"The form is {form.status}, not complete.")]
    against = []
    if open_queries := live_about(form.pk):
        sentence = f"Data queries about this form are not closed: {open_queries}."
        against.append(Reason("form_has_queries", sentence))
    if needs_second_entry(form):
        sentence = "A second person has not entered the fields that are entered twice."
        against.append(Reason("second_entry_missing", sentence))
    if different := open_discrepancies(form):
        sentence = f"The two entries differ in {len(different)} answer(s) that nobody settled."
        against.append(Reason("entries_differ", sentence))
    return against


def needs_second_entry(form: Form) -> bool:
    """Whether fields of the form are entered twice and the second entry is missing. Tables are not typed."""
    if form.source != FROM_PAGE or not FORMS[form.kind].twice:
        return False
    return bool(asked_twice(FORMS[form.kind], rows_of(form))) and second_entry_of(form) is None


@transaction.atomic
def reopen_form(*, form: Form, reason: str, by: User) -> Form:
    """The form is a draft again, to be corrected for this reason; what was verified or signed must be so again.

    Raises
    ------
    Refused
        When no reason is given, or the form is a draft or locked.
    """
    require(by, Action.ENTER_CLINICAL, site=form.participant.site)
    if not reason.strip():
        raise Refused(Reason("reason_missing", "Say why the form is corrected.", "reason"))
    form = locked(form)
    if form.status not in CORRECTABLE:
        raise Refused(
            Reason("form_not_correctable", f"A form that is {form.status} cannot be reopened.")
        )
    advance(
        form,
        FORM,
        FormStatus.DRAFT,
        by=by,
        reason=reason.strip(),
        correction_reason=reason.strip(),
        verified_at=None,
        verified_by=None,
        verified_scope="",
    )
    void_signatures(participant=form.participant, forms=[form], reason=reason.strip(), by=by)
    keep_act("reopen_form", form, "was reopened", by=by, reason=reason.strip())
    return form
