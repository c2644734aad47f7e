"""Many whole casebooks at once, for a demonstration: read, judged and derived from by the rules that a page asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING

from django.db import models, transaction

from studyportal.clinical.models import (
    RECORDS,
    Form,
    Lesion,
    Record,
    ReferenceStandard,
    SampledParticipant,
    SamplingPlan,
)
from studyportal.clinical.rules import (
    DEFINITION_VERSION,
    FORMS,
    Context,
    Found,
    Unit,
    Value,
    chosen_by_draw,
    computed,
    derive,
    judge,
    read,
    scope_of,
)
from studyportal.clinical.services.checking import asked_about, subject_of
from studyportal.clinical.services.saving import assign
from studyportal.clinical.states import FORM, FormStatus
from studyportal.core import clock
from studyportal.core.bulk import (
    Moved,
    act_on,
    keep_all,
    midday,
    moves_of,
    refuse_outside_demonstration,
)
from studyportal.core.errors import Reason, Refused
from studyportal.core.models import User
from studyportal.queries.services import SeededQuery, seed_queries
from studyportal.queries.states import QueryStatus
from studyportal.sites.rules import Action
from studyportal.sites.services import require

if TYPE_CHECKING:
    from studyportal.participants.models import Participant
    from studyportal.sites.models import Site

SOURCE = "seed_load (synthetic)"
_ACTS = {
    FormStatus.DRAFT: ("open_form", "was opened"),
    FormStatus.COMPLETE: ("complete_form", "was completed"),
    FormStatus.VERIFIED: ("verify_form", "was verified"),
}
_PATH = tuple(_ACTS)


@dataclass(frozen=True)
class Sheet:
    """One form as it was typed: answers by row and field, the days of its moves, and how far it came.

    `asked` says what became of what its soft checks ask; a form with a query that is not closed is not verified.
    """

    kind: str
    rows: Mapping[str, Mapping[str, str]]
    days: tuple[date, ...]
    occurrence: int = 1
    asked: QueryStatus = QueryStatus.OPEN


@dataclass(frozen=True)
class Book:
    """The forms of one participant."""

    participant: Participant
    sheets: Sequence[Sheet]


@dataclass(frozen=True)
class Staff:
    """Who enters, verifies and asks at a site."""

    coordinator: User
    monitor: User
    manager: User


@dataclass
class _Written:
    """A form with its rows, as answers and as rows of the database."""

    sheet: Sheet
    form: Form
    answers: dict[str, dict[str, Value]]
    records: list[Record] = field(default_factory=list)
    asked: list[Found] = field(default_factory=list)


@transaction.atomic
def seed_forms(*, site: Site, books: Sequence[Book], staff: Staff) -> int:
    """Every form stands with its rows, history, queries and what follows from it; returns how many forms.

    Raises
    ------
    Refused
        Outside a demonstration; when a complete form has an answer that is missing, unreadable or impossible.
    """
    refuse_outside_demonstration()
    require(staff.coordinator, Action.ENTER_CLINICAL, site=site)
    require(staff.monitor, Action.VERIFY_FORM, site=site)
    plan = SamplingPlan.objects.select_for_update().filter(site=site, superseded_at=None).first()
    drawn = _draw(plan, books)
    casebooks = [_written(book, staff) for book in books]
    for book, casebook in zip(books, casebooks, strict=True):
        for one in casebook:
            _judge(one, casebook)
            _settle(one, plan, whole=book.participant.pk in drawn, staff=staff)
    # What others point to comes first.
    keep_all(row for casebook in casebooks for one in casebook for row in (one.form, *one.records))
    keep_all(row for casebook in casebooks for row in _derived(casebook, staff.coordinator))
    keep_all(row for casebook in casebooks for one in casebook for row in _history(one, staff))
    seed_queries(queries=[q for book in casebooks for one in book for q in _queries(one, staff)])
    return sum(map(len, casebooks))


def _draw(plan: SamplingPlan | None, books: Sequence[Book]) -> set[object]:
    """Who is compared whole, after a place in the draw of the site's plan was kept for each."""
    if plan is None:
        return set()
    first = SampledParticipant.objects.filter(plan=plan).count() + 1
    rows = [
        SampledParticipant(
            plan=plan,
            participant=book.participant,
            number=number,
            whole=chosen_by_draw(seed=plan.seed, share_percent=plan.share_percent, number=number),
            drawn_at=clock.now(),
        )
        for number, book in enumerate((book for book in books if book.sheets), start=first)
    ]
    keep_all(rows)
    return {row.participant_id for row in rows if row.whole}


def _written(book: Book, staff: Staff) -> list[_Written]:
    return [_one(book.participant, sheet, staff) for sheet in book.sheets]


def _one(participant: Participant, sheet: Sheet, staff: Staff) -> _Written:
    definition, days = FORMS[sheet.kind], [midday(day) for day in sheet.days]
    form = Form(
        participant=participant,
        kind=sheet.kind,
        occurrence=sheet.occurrence,
        status=_PATH[len(days) - 1],
        revision=len(sheet.rows),
        definition=DEFINITION_VERSION,
        source=SOURCE,
        opened_at=days[0],
        opened_by=staff.coordinator,
        changed_at=days[min(1, len(days) - 1)],
        changed_by=staff.coordinator,
    )
    written = _Written(sheet, form, {})
    for unit, texts in sheet.rows.items():
        if fault := definition.unit_fault(unit):
            raise Refused(Reason("row_name", fault.en, unit))
        answers = {name: read(definition.field(name), text) for name, text in texts.items()}
        record = RECORDS[sheet.kind](form=form, unit=unit)  # type: ignore[misc]  # abstract
        for name, value in answers.items():
            assign(record, definition.field(name), value)
        for name, value in computed(definition, answers).items():
            setattr(record, name, value)
            answers[name] = value or None
        written.answers[unit] = answers
        written.records.append(record)
    return written


def _judge(one: _Written, casebook: Sequence[_Written]) -> None:
    """What the checks ask about is known; a complete form has nothing that stands in the way."""
    if one.form.status == FormStatus.DRAFT:
        return
    definition, participant = FORMS[one.sheet.kind], one.form.participant
    context = Context(
        today=clock.today(),
        sex=participant.sex,
        age_years=participant.age_years,
        screening_date=participant.screening_date,
        others=_rows(casebook, definition.looks_at),
        occurrence=one.form.occurrence,
    )
    found = judge(definition, one.answers, context)
    against = [
        Reason(f.id, f"{one.form}: {f.text.en}", f.field) for f in found if f.stands_in_the_way
    ]
    if against:
        raise Refused(*against)
    one.asked = found


def _rows(
    casebook: Iterable[_Written], kinds: Iterable[str]
) -> dict[str, dict[str, dict[str, Value]]]:
    """Answers by form and row, visits under their numbers, as the checks and the derivation read them."""
    wanted, found = set(kinds), dict[str, dict[str, dict[str, Value]]]()
    for one in casebook:
        if one.sheet.kind in wanted and one.form.status != FormStatus.DRAFT:
            repeats = FORMS[one.sheet.kind].repeats
            for unit, row in one.answers.items():
                name = str(one.form.occurrence) if repeats else unit
                found.setdefault(one.sheet.kind, {})[name] = row
    return found


def _settle(one: _Written, plan: SamplingPlan | None, *, whole: bool, staff: Staff) -> None:
    """How far the form came: one with a query that is not closed is complete and no more."""
    form, days = one.form, one.sheet.days
    if one.asked and one.sheet.asked != QueryStatus.CLOSED and form.status == FormStatus.VERIFIED:
        form.status = FormStatus.COMPLETE
    if form.status == FormStatus.DRAFT:
        return
    form.completed_at, form.completed_by = midday(days[1]), staff.coordinator
    if form.status == FormStatus.VERIFIED:
        form.verified_at, form.verified_by = midday(days[2]), staff.monitor
        critical = plan.critical if plan else ()
        form.verified_scope = scope_of(form.kind, whole=whole or plan is None, critical=critical)


def _derived(casebook: Sequence[_Written], by: User) -> Iterable[models.Model]:
    """Lesions that a form names, and the reference standards that follow from complete forms."""
    if not casebook:
        return
    participant = casebook[0].form.participant
    standing = derive(_rows(casebook, FORMS))
    described = {unit for one in casebook if one.sheet.kind == "lesions" for unit in one.answers}
    spoken_of = {one.unit_id for one in standing if one.unit == Unit.LESION}
    lesions = {
        number: Lesion(participant=participant, number=int(number))
        for number in sorted(described | spoken_of, key=int)
    }
    yield from lesions.values()
    for one in standing:
        yield ReferenceStandard(
            participant=participant,
            condition=one.condition,
            unit=one.unit,
            unit_id=one.unit_id,
            lesion=lesions[one.unit_id] if one.unit == Unit.LESION else None,
            status=one.status,
            certainty=one.certainty,
            rule=one.rule,
            source=one.source,
            entered_at=clock.now(),
            entered_by=by,
        )


def _history(one: _Written, staff: Staff) -> Iterable[models.Model]:
    path = _PATH[: _PATH.index(FormStatus(one.form.status)) + 1]
    people = (staff.coordinator, staff.coordinator, staff.monitor)
    steps: list[tuple[FormStatus, datetime, User]] = [
        (status, midday(day), by)
        for status, day, by in zip(path, one.sheet.days, people, strict=False)
    ]
    yield from moves_of(one.form, FORM, [Moved(status, at, by) for status, at, by in steps])
    site_code = one.form.participant.site.code
    for status, at, by in steps:
        verb, what = _ACTS[status]
        sentence = f"{one.form}: the form {what}. Made up for a demonstration."
        yield act_on(one.form, verb, sentence, at=at, by=by, site_code=site_code)


def _queries(one: _Written, staff: Staff) -> Iterable[SeededQuery]:
    for found in one.asked:
        yield SeededQuery(
            subject=subject_of(one.form),
            asked=asked_about(one.form, found),
            at=midday(one.sheet.days[1]),
            status=one.sheet.asked,
            asked_by=None,
            answered_by=staff.coordinator,
            closed_by=staff.manager,
        )
