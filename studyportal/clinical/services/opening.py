"""Opens forms and their rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import transaction

from studyportal.clinical.models import RECORDS, Form, Lesion, Record
from studyportal.clinical.rules import DEFINITION_VERSION, FORMS, FROM_PAGE, Rows
from studyportal.clinical.services.voiding import void_signatures
from studyportal.clinical.states import EDITABLE, FORM, FormStatus
from studyportal.core import clock
from studyportal.core.errors import Reason, Refused
from studyportal.core.models import User
from studyportal.core.services import begin, record
from studyportal.participants.services import refuse_withdrawn, require_consent
from studyportal.sites.rules import Action
from studyportal.sites.services import require

if TYPE_CHECKING:
    from studyportal.participants.models import Participant


@transaction.atomic
def open_form(
    *,
    participant: Participant,
    kind: str,
    by: User,
    occurrence: int = 1,
    source: str = FROM_PAGE,
) -> Form:
    """The form exists as a draft; opening it again changes nothing. Visits are opened one after the other.

    Raises
    ------
    Refused
        When there is no such form, or an earlier visit is missing.
    """
    require(by, Action.ENTER_CLINICAL, site=participant.site)
    require_consent(participant)
    _check_kind(participant, kind, occurrence)
    moment = clock.now()
    form, created = Form.objects.select_related("participant", "participant__site").get_or_create(
        participant=participant,
        kind=kind,
        occurrence=occurrence,
        defaults={
            "status": FormStatus.DRAFT,
            "definition": DEFINITION_VERSION,
            "source": source,
            "opened_at": moment,
            "opened_by": by,
            "changed_at": moment,
            "changed_by": by,
        },
    )
    if created:
        begin(form, FORM, by=by)
        if FORMS[kind].rows is Rows.ONE:
            RECORDS[kind].objects.create(form=form)  # type: ignore[attr-defined]  # abstract
        keep_act("open_form", form, "was opened", by=by)
        void_signatures(
            participant=participant, forms=[], reason="A form was opened after the casebook.", by=by
        )
    return form


def _check_kind(participant: Participant, kind: str, occurrence: int) -> None:
    if kind not in FORMS or occurrence < 1:
        raise Refused(Reason("form_unknown", "There is no such form."))
    if occurrence == 1:
        return
    title = FORMS[kind].title.en
    if not FORMS[kind].repeats:
        raise Refused(Reason("form_once", f"{title} is filled in once."))
    earlier = Form.objects.filter(participant=participant, kind=kind, occurrence=occurrence - 1)
    if not earlier.exists():
        sentence = f"{title} {occurrence - 1} comes before {title} {occurrence}."
        raise Refused(Reason("form_order", sentence))


@transaction.atomic
def add_row(*, form: Form, unit: str, by: User) -> Record:
    """The row exists and counts; a row that did not count any more counts again, with the answers it had.

    Raises
    ------
    Refused
        When the form is not being filled in, or a row cannot be called so.
    """
    return add_rows(form=form, units=[unit], by=by)[0]


@transaction.atomic
def add_rows(*, form: Form, units: Sequence[str], by: User) -> list[Record]:
    """All these rows exist and count, as one act; refused like one row."""
    form = taken(form, by=by)
    rows = [_row(form, unit) for unit in units]
    touched(form, by=by)
    labels = ", ".join(FORMS[form.kind].unit_label(unit).en for unit in units)
    keep_act("add_row", form, f"got the row {labels}", by=by)
    return rows


def _row(form: Form, unit: str) -> Record:
    definition = FORMS[form.kind]
    if fault := definition.unit_fault(unit):
        raise Refused(Reason("row_name", fault.en, "unit"))
    model = RECORDS[form.kind]
    row = model.objects.filter(form=form, unit=unit).first()  # type: ignore[attr-defined]  # abstract
    if row is not None and not row.void_reason:
        label = definition.unit_label(unit).en
        raise Refused(Reason("row_exists", f"{label} is on the form already.", "unit"))
    if row is None:
        row = model.objects.create(form=form, unit=unit)  # type: ignore[attr-defined]  # abstract
    else:
        row.void_reason = ""
        row.save(update_fields=["void_reason"])
    if form.kind == "lesions":
        Lesion.objects.get_or_create(participant=form.participant, number=int(unit))
    return row


@transaction.atomic
def void_row(*, form: Form, unit: str, reason: str, by: User) -> None:
    """The row does not count any more and stays with the reason.

    Raises
    ------
    Refused
        When the form is not being filled in, there is no such row, or no reason is given.
    """
    form = taken(form, by=by)
    if not reason.strip():
        raise Refused(Reason("reason_missing", "Say why the row does not count.", "reason"))
    rows = RECORDS[form.kind].objects.filter(form=form, unit=unit, void_reason="")  # type: ignore[attr-defined]  # abstract
    if FORMS[form.kind].rows is Rows.ONE or rows.update(void_reason=reason.strip()) != 1:
        raise Refused(Reason("row_unknown", "There is no such row.", "unit"))
    form.unreadable = {
        place: text for place, text in form.unreadable.items() if place.split(".")[0] != unit
    }
    touched(form, by=by)
    label = FORMS[form.kind].unit_label(unit).en
    keep_act("void_row", form, f"lost the row {label}", by=by, reason=reason.strip())


def taken(form: Form, *, by: User) -> Form:
    """The form as it stands now, locked for this transaction, and open for answers."""
    require(by, Action.ENTER_CLINICAL, site=form.participant.site)
    refuse_withdrawn(form.participant)
    current = locked(form)
    if current.status not in EDITABLE:
        status = str(current.status)
        raise Refused(
            Reason("form_closed", f"This form is {status}. Reopen it with a reason to correct it.")
        )
    return current


def locked(form: Form) -> Form:
    """The form as it stands now; whoever locks it too waits for this transaction."""
    return (
        Form.objects.select_for_update(of=("self",))
        .select_related("participant", "participant__site", "changed_by")
        .get(pk=form.pk)
    )


def touched(form: Form, *, by: User) -> None:
    """The form knows who changed it last, and that it changed."""
    form.revision += 1
    form.changed_at, form.changed_by, form.definition = clock.now(), by, DEFINITION_VERSION
    form.save(update_fields=["revision", "changed_at", "changed_by", "definition", "unreadable"])


def keep_act(verb: str, form: Form, what: str, *, by: User, reason: str = "") -> None:
    """The act stands in the trail; the answers do not, as they are clinical values."""
    record(
        verb,
        form,
        f"{form}: the form {what}.",
        by=by,
        site_code=form.participant.site.code,
        reason=reason or form.correction_reason,
    )
