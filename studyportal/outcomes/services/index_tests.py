"""Index tests as data: registered, locked by digest, and asked for by the plan of a cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from evaluation.analysis import Plan, PlanError, load_plan
from evaluation.analysis.locking import definition_digest, definition_of
from studyportal.core import clock
from studyportal.core.errors import Reason, Refused
from studyportal.core.models import User
from studyportal.core.services import record
from studyportal.outcomes.models import IndexTest
from studyportal.outcomes.rules import why_exploratory
from studyportal.outcomes.selectors import first_opened_at
from studyportal.outcomes.states import IndexTestKind
from studyportal.sites.rules import Action
from studyportal.sites.services import require

if TYPE_CHECKING:
    from datetime import datetime

    from evaluation.analysis.plan_parts import IndexTest as Stated

_KINDS = {
    "quantity": IndexTestKind.QUANTITATIVE,
    "scores": IndexTestKind.READER,
    "classifier": IndexTestKind.CLASSIFIER,
}


def read_plan(text: str) -> Plan:
    """The plan of this text.

    Raises
    ------
    Refused
        With the sentence that says what is wrong with it.
    """
    try:
        # With a line break it is text, never the path of a file on the server.
        return load_plan(f"{text}\n")
    except PlanError as error:
        sentence = f"The analysis plan cannot be used: {error}."
        raise Refused(Reason("plan", sentence, "plan")) from error


@transaction.atomic
def register_index_tests(*, plan_text: str, by: User) -> list[IndexTest]:
    """The index tests of a plan are registered, not locked yet; what is registered already is left as it is."""
    require(by, Action.RUN_EVALUATION)
    plan = read_plan(plan_text)
    _refuse_other_definitions(plan)
    found = [_kept(stated, classifier=_classifier_of(stated)) for stated in plan.index_test]
    new = [row for row, created in found if created]
    for row in new:
        _record(row, "register_index_test", "was registered", by=by)
    return new


@transaction.atomic
def lock_index_test(*, test: IndexTest, by: User) -> IndexTest:
    """Nothing of the test changes any more.

    Raises
    ------
    Refused
        When it is locked already.
    """
    require(by, Action.FREEZE_CUT)
    moment = clock.now()
    free = IndexTest.objects.filter(pk=test.pk, locked_at=None)
    if not free.update(locked_at=moment, locked_by=by):
        raise Refused(Reason("locked_already", f"The index test {test.code} is locked already."))
    test.refresh_from_db()
    _record(test, "lock_index_test", "was locked", by=by)
    return test


def lock_tests_of(plan: Plan, *, by: User) -> None:
    """Every test of a plan is registered; one that nobody had registered is locked now, with the plan.

    A test that somebody registered and did not lock stays unlocked: its numbers are exploratory.

    Raises
    ------
    Refused
        When the plan names a digest that is not that of its own definition, or a classifier that is
        not registered.
    """
    _refuse_other_definitions(plan)
    for stated in plan.index_test:
        classifier = _classifier_of(stated)
        _kept(stated, classifier=classifier, locked_at=clock.now(), locked_by=by,
              plan_digest=plan.digest)  # fmt: skip


def registered(stated: Stated) -> IndexTest | None:
    """The registered test with this very definition, or None."""
    digest = definition_digest(definition_of(stated))
    return IndexTest.objects.filter(code=stated.id, digest=digest).first()


def not_locked_in_time(plan: Plan, *, used_at: datetime) -> dict[str, str]:
    """Of each test of the plan that was not locked in time: why its numbers are exploratory."""
    opened_at = first_opened_at()
    reasons = {}
    for stated in plan.index_test:
        row = registered(stated)
        reason = why_exploratory(
            locked_at=row.locked_at if row else None, used_at=used_at, opened_at=opened_at
        )
        if reason:
            reasons[stated.id] = reason
    return reasons


def locks_of(plan: Plan) -> dict[str, str]:
    """Of each test of the plan when it was locked (UTC) and its digest, as the report prints it."""
    found = {}
    for stated in plan.index_test:
        row = registered(stated)
        when = (
            row.locked_at.isoformat(timespec="seconds") if row and row.locked_at else "not locked"
        )
        found[stated.id] = f"{when} {definition_digest(definition_of(stated))}"
    return found


def _refuse_other_definitions(plan: Plan) -> None:
    for stated in plan.index_test:
        own = definition_digest(definition_of(stated))
        if stated.kind != "classifier" and stated.sha256 and stated.sha256 != own:
            sentence = (
                f"The plan locks the index test {stated.id} with the digest {stated.sha256[:12]}…, "
                f"and what it says of it has the digest {own[:12]}…."
            )
            raise Refused(Reason("index_test_changed", sentence, "plan"))


def _classifier_of(stated: Stated) -> IndexTest | None:
    """The registered classifier that a test of a plan names; None for a test of another kind."""
    if stated.kind != "classifier":
        return None
    found = IndexTest.objects.filter(classifier_sha256=stated.sha256).order_by("registered_at")
    row = found.first()
    if row is None:
        sentence = (
            f"The plan names the classifier {stated.sha256[:12]}… for the index test {stated.id}; "
            "no such classifier is registered."
        )
        raise Refused(Reason("classifier_unknown", sentence, "plan"))
    return row


def _kept(
    stated: Stated, *, classifier: IndexTest | None, **locked: object
) -> tuple[IndexTest, bool]:
    definition = definition_of(stated)
    if classifier is not None and classifier.locked_at is None:
        locked = {}  # a classifier is locked by a person; its cut-off cannot be locked before it
    return IndexTest.objects.get_or_create(
        code=stated.id,
        digest=definition_digest(definition),
        defaults={
            "kind": _KINDS[stated.kind],
            "title": stated.title,
            "definition": definition,
            "classifier_sha256": stated.sha256 if classifier is not None else "",
            "registered_at": clock.now(),
            **locked,
        },
    )


def _record(row: IndexTest, verb: str, what: str, *, by: User) -> None:
    sentence = f"Index test {row.code} ({row.digest[:12]}…) {what}."
    record(verb, row, sentence, by=by)
