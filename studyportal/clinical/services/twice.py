"""Double data entry: a second person enters the named fields without seeing the first entry; differences are settled."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from studyportal.clinical.models import Form, Reconciliation, SecondEntry
from studyportal.clinical.rules import FORMS, Unreadable, asked_twice, read, written
from studyportal.clinical.selectors import open_discrepancies, records_of, rows_of, second_entry_of
from studyportal.clinical.services.checking import settle_checks, touched_forms
from studyportal.clinical.services.deriving import derive_reference
from studyportal.clinical.services.opening import keep_act, locked, touched
from studyportal.clinical.services.saving import assign
from studyportal.clinical.states import FormStatus
from studyportal.core import clock
from studyportal.core.errors import Reason, Refused, refuse_if
from studyportal.core.models import User
from studyportal.sites.rules import Action
from studyportal.sites.services import require

Typed = Mapping[str, Mapping[str, str]]


@transaction.atomic
def enter_second(*, form: Form, answers: Typed, by: User) -> SecondEntry:
    """The second entry is kept beside the first, by another person, once.

    Raises
    ------
    Refused
        When the form is not complete, the person made the first entry, or an answer is missing or cannot be read.
    """
    require(by, Action.ENTER_CLINICAL, site=form.participant.site)
    form = locked(form)
    if form.status != FormStatus.COMPLETE:
        raise Refused(Reason("form_not_complete", "The first entry is not complete."))
    if by.pk in (form.completed_by_id, form.changed_by_id, form.opened_by_id):
        sentence = "The second entry is made by somebody who did not make the first."
        raise Refused(Reason("same_person", sentence))
    if second_entry_of(form) is not None:
        raise Refused(Reason("second_exists", "The second entry was made already."))
    read_answers, faults = _read(form, answers)
    refuse_if(faults)
    entry = SecondEntry.objects.create(
        form=form, answers=read_answers, entered_at=clock.now(), entered_by=by
    )
    keep_act("enter_second", form, "was entered a second time", by=by)
    return entry


def _read(form: Form, answers: Typed) -> tuple[dict[str, dict[str, str]], list[Reason]]:
    found: dict[str, dict[str, str]] = {}
    faults = []
    for unit, field in asked_twice(FORMS[form.kind], rows_of(form)):
        text, place = answers.get(unit, {}).get(field.name, ""), f"{unit}.{field.name}"
        try:
            value = written(read(field, text))
        except Unreadable as error:
            faults.append(Reason("unreadable", error.why.en, place))
            continue
        if not value and field.required:
            faults.append(Reason("missing", f"{field.label.en} is not answered.", place))
        found.setdefault(unit, {})[field.name] = value
    return found, faults


@transaction.atomic
def reconcile(
    *, form: Form, unit: str, field: str, take_second: bool, reason: str, by: User
) -> Reconciliation:
    """The difference is settled: one of the two answers counts, and both stay with the reason.

    Raises
    ------
    Refused
        When the two entries do not differ there, or no reason is given.
    """
    require(by, Action.RECONCILE_ENTRIES, site=form.participant.site)
    form = locked(form)
    if form.status != FormStatus.COMPLETE:
        raise Refused(Reason("form_not_complete", "Only a complete form is reconciled."))
    if not reason.strip():
        raise Refused(Reason("reason_missing", "Say why this answer counts.", "reason"))
    different = next(
        (d for d in open_discrepancies(form) if (d.unit, d.field.name) == (unit, field)), None
    )
    if different is None:
        raise Refused(Reason("no_difference", "The two entries do not differ here any more."))
    if take_second:
        _take(form, unit, field, different.second, by=by)
    row = Reconciliation.objects.create(
        form=form,
        unit=unit,
        field=field,
        first=different.first,
        second=different.second,
        chosen=different.second if take_second else different.first,
        reason=reason.strip(),
        settled_at=clock.now(),
        settled_by=by,
    )
    keep_act("reconcile", form, f"was reconciled in {field}", by=by, reason=reason.strip())
    return row


def _take(form: Form, unit: str, name: str, text: str, *, by: User) -> None:
    record, field = records_of(form)[unit], FORMS[form.kind].field(name)
    before = rows_of(form)[unit]
    assign(record, field, read(field, text))
    after = {**before, name: read(field, text)}
    for other in FORMS[form.kind].entered:
        if other.is_asked(before) != other.is_asked(after):
            sentence = (
                f"“{other.label.en}” depends on this answer. Reopen the form and correct it there."
            )
            raise Refused(Reason("others_depend", sentence))
    record.save()
    touched(form, by=by)
    settle_checks(touched_forms(form))
    derive_reference(form.participant, by=by)
