"""Screening, enrolment and later answers."""

import threading

import pytest
from django.db import connection, transaction

from studyportal.core.database.scope import over_every_site
from studyportal.core.errors import NotAllowed, Refused
from studyportal.core.models import AuditEvent
from studyportal.core.selectors import history_of
from studyportal.core.services import advance
from studyportal.participants.models import Consent, EligibilityAssessment, Participant
from studyportal.participants.rules import Answer, Verdict
from studyportal.participants.selectors import (
    latest_answers,
    latest_assessment,
    participant_for,
    participants_visible_to,
)
from studyportal.participants.services import (
    enrol_participant,
    screen_participant,
    settle_criteria,
)
from studyportal.participants.states import ParticipantStatus
from studyportal.protocol.selectors import packaged_text
from studyportal.protocol.services import activate_protocol, load_protocol
from studyportal.sites.rules import PERMISSIONS, Action, Role
from studyportal.sites.states import SITE, SiteStatus
from tests.portal.scenes import enrolled, facts, open_study, person, site

pytestmark = pytest.mark.django_db


def screened(**changes: object) -> Participant:
    at = changes.get("site_code", "SPH")
    by = person(Role.COORDINATOR, at=at)
    return screen_participant(site=site(at), facts=facts(**changes), by=by)


def test_an_eligible_person_is_kept_with_consent_answers_verdict_and_trail(study):
    participant = screened()

    assert (participant.code, participant.status) == ("SPH-00001", ParticipantStatus.ELIGIBLE)
    assert Consent.objects.get(participant=participant).version == "1.0"
    assessment = latest_assessment(participant)
    assert assessment.verdict == Verdict.ELIGIBLE
    assert assessment.answers.count() == 7
    assert AuditEvent.objects.get(verb="screen_participant").site_code == "SPH"


def test_a_person_who_fails_is_a_screen_failure_with_the_reason_in_the_history(study):
    participant = screened(answers={"EXC-01": Answer.MET})

    assert participant.status == ParticipantStatus.SCREEN_FAILED
    last = history_of("participant", participant.pk).last()
    assert last.target == "screen_failed"
    assert "another malignant tumour" in last.reason


def test_the_reason_of_a_screen_failure_names_only_what_stands_in_the_way(study):
    participant = screened(answers={"EXC-01": Answer.MET})
    assert "Settles when" not in history_of("participant", participant.pk).last().reason


def test_a_person_with_an_open_question_of_screening_stays_screened(study):
    assert screened(answers={"INC-01": Answer.UNKNOWN}).status == ParticipantStatus.SCREENED


def test_facts_that_contradict_themselves_are_refused_whole(study):
    with pytest.raises(Refused) as refused:
        screened(age_years=12, consent_date=None)

    assert {reason.id for reason in refused.value.reasons} == {
        "age_contradiction",
        "consent_contradiction",
    }
    assert not Participant.objects.exists()


def test_a_site_that_does_not_recruit_screens_nobody(study):
    closed = site("SPH")
    advance(closed, SITE, SiteStatus.CLOSED, by=None)
    with pytest.raises(Refused, match="SPH is not recruiting"):
        screened()


@pytest.mark.parametrize(
    "role", [role for role in Role if Action.SCREEN_PARTICIPANT not in PERMISSIONS[role]]
)
def test_only_a_coordinator_screens(study, role):
    with pytest.raises(NotAllowed):
        screen_participant(site=site("SPH"), facts=facts(), by=person(role))
    assert not Participant.objects.exists()


def test_the_coordinator_of_another_site_screens_and_enrols_nobody_here(study):
    other, participant = person(Role.COORDINATOR, at="SEH"), screened()
    with pytest.raises(NotAllowed, match="at SPH"):
        screen_participant(site=site("SPH"), facts=facts(), by=other)
    with pytest.raises(NotAllowed, match="at SPH"):
        enrol_participant(participant=participant, by=other)

    assert Participant.objects.get().status == ParticipantStatus.ELIGIBLE
    assert participant_for(other, participant.pk) is None
    assert not participants_visible_to(other).exists()


def test_the_site_of_the_facts_is_the_site_of_the_participant(study):
    by = person(Role.COORDINATOR, at="SPH")
    with pytest.raises(Refused, match="SEH"):
        screen_participant(site=site("SPH"), facts=facts(site_code="SEH"), by=by)


def test_enrolment_keeps_its_day_and_happens_once(study):
    participant = screened()
    by = person(Role.COORDINATOR)
    enrol_participant(participant=participant, by=by)

    assert participant.enrolled_on is not None
    with pytest.raises(Refused, match="enrolled cannot become enrolled"):
        enrol_participant(participant=participant, by=by)


def test_a_screen_failure_cannot_be_enrolled(study):
    failed = screened(answers={"EXC-01": Answer.MET})
    with pytest.raises(Refused, match="screen failed cannot become enrolled"):
        enrol_participant(participant=failed, by=person(Role.COORDINATOR))


def test_codes_count_by_site(study):
    codes = [screened(site_code=code).code for code in ("SPH", "SEH", "SPH", "SEH", "SPH")]
    assert codes == ["SPH-00001", "SEH-00001", "SPH-00002", "SEH-00002", "SPH-00003"]


@pytest.mark.django_db(transaction=True)
def test_codes_have_no_gap_and_no_twin_when_two_screen_at_once_and_one_fails():
    open_study()
    by = person(Role.COORDINATOR)
    start = threading.Barrier(3)

    @over_every_site("a worker beside the test")
    def screen(*, fail: bool) -> None:
        start.wait()
        with transaction.atomic():
            screen_participant(site=site("SPH"), facts=facts(), by=by)
            transaction.set_rollback(fail)
        connection.close()

    threads = [threading.Thread(target=screen, kwargs={"fail": n == 1}) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    codes = sorted(Participant.objects.values_list("code", flat=True))
    assert codes == ["SPH-00001", "SPH-00002"]


# later answers


def test_a_later_answer_adds_an_assessment_and_leaves_the_earlier_one(study):
    participant = enrolled()
    first = latest_assessment(participant)
    settle_criteria(
        participant=participant, answers={"EXC-03": Answer.NOT_MET}, source="pathology", by=None
    )
    second = latest_assessment(participant)

    assert second != first
    assert first.answers.get(criterion="EXC-03").answer == Answer.UNKNOWN
    kept = second.answers.get(criterion="EXC-03")
    assert (kept.answer, kept.source) == (Answer.NOT_MET, "pathology")
    assert second.answers.get(criterion="INC-01").source == "screening"


def test_the_same_answer_again_adds_nothing(study):
    participant = enrolled()
    for _ in range(2):
        settle_criteria(
            participant=participant, answers={"EXC-03": Answer.NOT_MET}, source="pathology", by=None
        )
    assert EligibilityAssessment.objects.filter(participant=participant).count() == 2


def test_an_exclusion_after_enrolment_is_in_the_assessment_and_leaves_the_participant_enrolled(
    study,
):
    participant = enrolled()
    row = settle_criteria(
        participant=participant, answers={"EXC-02": Answer.MET}, source="imaging", by=None
    )
    participant.refresh_from_db()

    assert row.verdict == Verdict.NOT_ELIGIBLE
    assert participant.status == ParticipantStatus.ENROLLED


def test_an_answer_that_was_missing_makes_a_screened_person_eligible(study):
    participant = screened(answers={"INC-01": Answer.UNKNOWN})
    settle_criteria(
        participant=participant, answers={"INC-01": Answer.MET}, source="screening", by=None
    )
    assert participant.status == ParticipantStatus.ELIGIBLE


def test_an_assessment_names_the_protocol_version_in_force(study):
    participant = enrolled()
    text = packaged_text().replace('version = "1.1"', 'version = "1.2"', 1)
    newer = activate_protocol(version=load_protocol(text=text, by=None), by=None)
    row = settle_criteria(
        participant=participant, answers={"EXC-03": Answer.NOT_MET}, source="pathology", by=None
    )
    assert row.protocol_version == newer
    assert participant.assessments.first().protocol_version.version == "1.1"


def test_the_answers_that_count_are_the_newest_of_each_participant(study):
    one, two = enrolled(), enrolled()
    settle_criteria(
        participant=two, answers={"EXC-03": Answer.NOT_MET}, source="pathology", by=None
    )
    found = latest_answers()
    assert found[one.pk]["EXC-03"][0] == "unknown"
    assert found[two.pk]["EXC-03"] == ("not_met", "")
