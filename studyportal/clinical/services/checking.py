"""Judges forms, and asks about what is soft or unusual in data queries that close themselves."""

from __future__ import annotations

from collections.abc import Iterable

from studyportal.clinical.models import Form
from studyportal.clinical.rules import FORMS, Found, Label, Nature, Unreadable, judge, read
from studyportal.clinical.selectors import context_of, rows_of
from studyportal.clinical.states import FormStatus
from studyportal.queries.rules import Asked
from studyportal.queries.services import Subject, settle_rules


def findings_of(form: Form) -> list[Found]:
    """Everything that the form leaves open or contradicts, what cannot be read among it."""
    definition = FORMS[form.kind]
    rows = rows_of(form)
    typed = [_unreadable(form, place, text) for place, text in form.unreadable.items()]
    unread = {(one.unit, one.field) for one in typed}
    judged = judge(definition, rows, context_of(form))
    return typed + [
        one
        for one in judged
        if not (one.nature is Nature.MISSING and (one.unit, one.field) in unread)
    ]


def _unreadable(form: Form, place: str, text: str) -> Found:
    unit, _, name = place.partition(".")
    try:
        read(FORMS[form.kind].field(name), text)
    except Unreadable as error:
        why = error.why
    else:  # readable under a later definition; it waits to be typed again
        why = Label("Type this again.", "请重新输入。")
    return Found("unreadable", Nature.UNREADABLE, unit, name, why, text)


def settle_checks(forms: Iterable[Form]) -> None:
    """The queries of rules on each form are those that its checks find now; of a draft there are none."""
    for form in forms:
        asked = []
        if form.status != FormStatus.DRAFT:
            asked = [
                asked_about(form, one) for one in findings_of(form) if not one.stands_in_the_way
            ]
        settle_rules(subject=subject_of(form), asked=asked)


def subject_of(form: Form) -> Subject:
    """What a query about this form is about."""
    return Subject(form.participant.site, form.participant.code, form.kind, form.pk)


def asked_about(form: Form, found: Found) -> Asked:
    """One query for each row and check; the field names both, as the study's people read them."""
    where = f"{found.unit}.{found.field}" if found.unit else found.field
    label = FORMS[form.kind].unit_label(found.unit).en if found.unit else ""
    question = f"{label}: {found.text.en}" if label else found.text.en
    return Asked(where, question, f"{form.kind}_{found.id}", found.evidence[:64])


def touched_forms(form: Form) -> list[Form]:
    """This form and the others past their draft whose checks look at it, in the same order for everybody."""
    kinds = [key for key, one in FORMS.items() if key == form.kind or form.kind in one.looks_at]
    return list(
        Form.objects.filter(participant=form.participant, kind__in=kinds)
        .exclude(status=FormStatus.DRAFT)
        .select_related("participant", "participant__site")
        .order_by("kind", "occurrence")
    )
