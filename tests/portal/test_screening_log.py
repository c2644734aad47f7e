"""The screening log with those who declined, overrides by two people, assessments that are kept."""

import uuid
from datetime import date, timedelta

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from studyportal.core import clock
from studyportal.core.errors import NotAllowed, Refused
from studyportal.core.models import AuditEvent
from studyportal.participants.models import Declined, EligibilityAssessment, Participant
from studyportal.participants.rules import Answer, DeclinedFacts, DeclineReason, Verdict
from studyportal.participants.selectors import (
    DECLINED,
    LogFilter,
    latest_assessment,
    log_counts,
    screening_log,
)
from studyportal.participants.services import (
    ask_override,
    decide_override,
    record_declined,
    screen_participant,
    settle_criteria,
    standing_in_the_way,
)
from studyportal.participants.states import OverrideStatus, ParticipantStatus
from studyportal.sites.rules import Role
from studyportal.web.conduct import lines_of
from tests.portal.scenes import enrolled, facts, person, site

pytestmark = pytest.mark.django_db


def declined(at="SPH", **changes) -> Declined:
    told = {"declined_on": clock.today(), "reason": DeclineReason.NO_TIME, **changes}
    return record_declined(
        site=site(at), facts=DeclinedFacts(**told), submission=uuid.uuid4(),
        by=person(Role.COORDINATOR, at=at),
    )  # fmt: skip


def failed(**answers) -> Participant:
    given = answers or {"EXC-01": Answer.MET}
    return screen_participant(
        site=site("SPH"), facts=facts(answers=given), by=person(Role.COORDINATOR)
    )


def asked(participant: Participant, *criteria: str):
    return ask_override(
        participant=participant, criteria=criteria or ("EXC-01",),
        because="Cured twenty years ago.", by=person(Role.COORDINATOR),
    )  # fmt: skip


def test_the_log_counts_everybody_who_was_asked(study):
    declined()
    declined(reason=DeclineReason.PRIVACY)
    declined(at="SEH")
    failed()
    enrolled()
    counts = log_counts(person(Role.MONITOR))
    assert (counts.asked, counts.declined, counts.screened) == (5, 3, 2)
    assert counts.by_decline == {"no_time": 2, "privacy": 1}
    assert counts.by_criterion == {"EXC-01": 1}
    assert counts.by_outcome == {"screen_failed": 1, "enrolled": 1}
    assert len(screening_log(person(Role.MONITOR), LogFilter(outcome=DECLINED))) == 3


def test_a_site_sees_its_own_part_of_the_log(study):
    declined(at="SEH")
    declined()
    assert [line.site for line in screening_log(person(Role.COORDINATOR))] == ["SPH"]


def test_the_log_takes_few_queries_however_long_it_is(study, django_assert_max_num_queries):
    for _ in range(3):
        declined()
        failed()
    user = person(Role.MONITOR)
    with django_assert_max_num_queries(6):
        assert len(screening_log(user)) == 6


def test_of_those_who_declined_nothing_is_kept_that_says_who_it_was():
    kept = {field.name for field in Declined._meta.concrete_fields}
    assert kept == {
        "id", "site", "declined_on", "reason", "sex", "age_band", "submission", "recorded_at",
        "recorded_by",
    }  # fmt: skip


def test_a_form_that_is_sent_twice_counts_once(study):
    by, key = person(Role.COORDINATOR), uuid.uuid4()
    told = DeclinedFacts(clock.today(), DeclineReason.NOT_SAID)
    for _ in range(2):
        record_declined(site=site("SPH"), facts=told, submission=key, by=by)
    assert Declined.objects.count() == 1
    assert AuditEvent.objects.filter(verb="record_declined").count() == 1
    for _ in range(2):
        screen_participant(site=site("SPH"), facts=facts(), submission=key, by=by)
    assert Participant.objects.count() == 1


def test_nobody_declines_tomorrow(study):
    with pytest.raises(Refused, match="future"):
        declined(declined_on=clock.today() + timedelta(days=1))


def test_somebody_alike_on_the_same_day_is_asked_about_and_may_be_another_person(study):
    by = person(Role.COORDINATOR)
    first = screen_participant(site=site("SPH"), facts=facts(), another_person=False, by=by)
    with pytest.raises(Refused, match=first.code):
        screen_participant(site=site("SPH"), facts=facts(), another_person=False, by=by)
    screen_participant(site=site("SPH"), facts=facts(), another_person=True, by=by)
    assert Participant.objects.count() == 2


def test_two_people_override_a_criterion_and_a_new_assessment_is_kept(study):
    participant = failed()
    override = asked(participant)
    participant.refresh_from_db()
    assert participant.status == ParticipantStatus.SCREEN_FAILED

    decide_override(override=override, granted=True, because="Agreed.", by=person(Role.STUDY_PI))

    participant.refresh_from_db()
    assert participant.status == ParticipantStatus.ELIGIBLE
    newest = latest_assessment(participant)
    assert newest.verdict == Verdict.ELIGIBLE
    assert newest.answers.get(criterion="EXC-01").answer == Answer.MET  # the answer stays true
    assert participant.assessments.count() == 2
    assert standing_in_the_way(participant) == ()
    acts = AuditEvent.objects.filter(verb__in=("ask_override", "decide_override"))
    assert [act.reason for act in acts] == ["Cured twenty years ago.", "Agreed."]


def test_an_override_that_is_declined_changes_nothing(study):
    participant = failed()
    override = decide_override(
        override=asked(participant), granted=False, because="Too risky.", by=person(Role.STUDY_PI)
    )
    participant.refresh_from_db()
    assert override.status == OverrideStatus.DECLINED
    assert participant.status == ParticipantStatus.SCREEN_FAILED
    assert participant.assessments.count() == 1


def test_nobody_decides_about_an_override_alone(study):
    pi = person(Role.SITE_PI)
    override = ask_override(participant=failed(), criteria=["EXC-01"], because="Cured.", by=pi)
    with pytest.raises(NotAllowed, match="another person"):
        decide_override(override=override, granted=True, because="Agreed.", by=pi)
    with pytest.raises(IntegrityError, match="override_by_two_people"), transaction.atomic():
        type(override).objects.filter(pk=override.pk).update(
            decided_by=pi, decided_at=clock.now(), decided_because="Agreed."
        )


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.DATA_MANAGER, Role.MONITOR])
def test_only_investigators_decide(study, role):
    override = asked(failed())
    with pytest.raises(NotAllowed):
        decide_override(override=override, granted=True, because="Agreed.", by=person(role))


def test_consent_and_age_are_never_overridden(study):
    participant = screen_participant(
        site=site("SPH"), by=person(Role.COORDINATOR),
        facts=facts(age_years=17, answers={"INC-03": Answer.NOT_MET}),
    )  # fmt: skip
    with pytest.raises(Refused, match="INC-03 cannot be overridden"):
        asked(participant, "INC-03")


@pytest.mark.parametrize("because", ["", "   ", "x" * 1001])
def test_an_override_needs_a_reason(study, because):
    with pytest.raises(Refused, match="reason"):
        ask_override(
            participant=failed(), criteria=["EXC-01"], because=because, by=person(Role.COORDINATOR)
        )


def test_one_override_at_a_time_waits_for_the_second_person(study):
    participant = failed()
    asked(participant)
    with pytest.raises(Refused, match="waits for a second person"):
        asked(participant)


def test_what_else_came_up_since_is_not_overridden_unseen(study):
    participant = failed()
    override = asked(participant)
    settle_criteria(
        participant=participant, answers={"EXC-02": Answer.MET}, source="imaging", by=None
    )
    with pytest.raises(Refused, match="EXC-01, EXC-02"):
        decide_override(override=override, granted=True, because="Yes.", by=person(Role.STUDY_PI))


def test_a_criterion_that_turns_up_later_counts_although_another_one_was_overridden(study):
    participant = failed()
    decide_override(
        override=asked(participant), granted=True, because="Yes.", by=person(Role.STUDY_PI)
    )
    participant.refresh_from_db()
    row = settle_criteria(
        participant=participant, answers={"EXC-04": Answer.MET}, source="imaging", by=None
    )
    assert row.verdict == Verdict.NOT_ELIGIBLE
    assert standing_in_the_way(participant) == ("EXC-04",)


def test_every_assessment_is_kept_and_shown_with_what_changed(study):
    participant = enrolled()
    for code, source in (("EXC-04", "imaging"), ("EXC-03", "pathology")):
        settle_criteria(
            participant=participant, answers={code: Answer.NOT_MET}, source=source, by=None
        )
    lines = lines_of(participant.assessments.order_by("-assessed_at").prefetch_related("answers"))
    assert [line.changed for line in lines] == [
        (("EXC-03", "not_met", "pathology"),),
        (("EXC-04", "not_met", "imaging"),),
        (),
    ]


@pytest.mark.parametrize("change", ["update", "delete"])
def test_the_database_lets_nobody_change_an_assessment(study, change):
    row = latest_assessment(enrolled())
    rows = EligibilityAssessment.objects.filter(pk=row.pk)
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        if change == "update":
            rows.update(verdict=Verdict.NOT_ELIGIBLE)
        else:
            row.answers.all().delete()


def test_a_day_of_screening_in_the_future_is_refused_in_words(study):
    with pytest.raises(Refused, match="screening date lies in the future"):
        screen_participant(
            site=site("SPH"), by=person(Role.COORDINATOR),
            facts=facts(screening_date=date(2999, 1, 1)),
        )  # fmt: skip
