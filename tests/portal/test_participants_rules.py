"""Eligibility: examples, boundaries, properties."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studyportal.participants.rules import Answer, Verdict, assess, faults_of
from studyportal.protocol.rules import parse
from studyportal.protocol.selectors import packaged_text
from tests.portal.scenes import MET_AT_SCREENING, SCREENED_ON, facts

PROTOCOL = parse(packaged_text())
CODES = [criterion.code for criterion in PROTOCOL.criteria]
TODAY = SCREENED_ON + timedelta(days=30)
answer_sheets = st.dictionaries(st.sampled_from(CODES), st.sampled_from(list(Answer)))


def verdict_of(**answers: str):
    named = {code.replace("_", "-"): Answer(answer) for code, answer in answers.items()}
    return assess({**MET_AT_SCREENING, **named}, PROTOCOL.criteria)


def fault_ids(**changes: object) -> list[str]:
    return [fault.id for fault in faults_of(facts(**changes), PROTOCOL, today=TODAY)]


# assess


def test_whoever_meets_the_criteria_of_screening_is_eligible_while_imaging_and_pathology_are_open():
    found = assess(MET_AT_SCREENING, PROTOCOL.criteria)

    assert (found.verdict, found.reasons) == (Verdict.ELIGIBLE, ())
    assert {item.id for item in found.open_items} == {"EXC-02", "EXC-03", "EXC-04"}
    assert all("Settles when" in item.sentence for item in found.open_items)


@pytest.mark.parametrize("code", ["INC-01", "INC-02", "INC-03"])
def test_an_inclusion_criterion_that_is_not_met_stands_in_the_way_with_its_sentence(code):
    found = verdict_of(**{code: "not_met"})
    assert found.verdict == Verdict.NOT_ELIGIBLE
    assert [(reason.id, reason.sentence) for reason in found.reasons] == [
        (code, PROTOCOL.criterion(code).unmet)
    ]


@pytest.mark.parametrize("code", ["EXC-01", "EXC-02", "EXC-03", "EXC-04"])
def test_an_exclusion_criterion_that_is_met_stands_in_the_way_with_its_sentence(code):
    found = verdict_of(**{code: "met"})
    assert found.verdict == Verdict.NOT_ELIGIBLE
    assert [reason.sentence for reason in found.reasons] == [PROTOCOL.criterion(code).unmet]


def test_every_reason_is_told_and_not_only_the_first():
    found = verdict_of(**{"INC-01": "not_met", "INC-03": "not_met", "EXC-01": "met"})
    assert [reason.id for reason in found.reasons] == ["INC-01", "INC-03", "EXC-01"]


@pytest.mark.parametrize("code", ["INC-01", "INC-02", "INC-03", "EXC-01"])
def test_an_unanswered_criterion_of_screening_leaves_the_verdict_open(code):
    found = verdict_of(**{code: "unknown"})
    assert found.verdict == Verdict.UNDETERMINED
    assert found.reasons[0].sentence.startswith("Not answered yet")


def test_a_criterion_without_any_answer_is_unknown():
    assert assess({}, PROTOCOL.criteria).verdict == Verdict.UNDETERMINED


@given(answer_sheets)
def test_unknown_never_counts_as_met(answers):
    left_out = {code: answer for code, answer in answers.items() if answer != Answer.UNKNOWN}
    assert assess(answers, PROTOCOL.criteria) == assess(left_out, PROTOCOL.criteria)


@given(answer_sheets)
def test_the_verdict_follows_from_its_reasons(answers):
    found = assess(answers, PROTOCOL.criteria)
    against = {
        criterion.code
        for criterion in PROTOCOL.criteria
        if answers.get(criterion.code) == ("met" if criterion.kind == "exclusion" else "not_met")
    }
    if against:
        assert found.verdict == Verdict.NOT_ELIGIBLE
        assert {reason.id for reason in found.reasons} == against
    assert (found.verdict == Verdict.ELIGIBLE) == (not found.reasons)


@given(answer_sheets, st.sampled_from(CODES))
def test_a_new_answer_never_makes_an_ineligible_person_eligible(answers, code):
    if assess(answers, PROTOCOL.criteria).verdict == Verdict.NOT_ELIGIBLE and code not in answers:
        for answer in Answer:
            later = assess({**answers, code: answer}, PROTOCOL.criteria)
            assert later.verdict == Verdict.NOT_ELIGIBLE


# faults


def test_plain_facts_have_no_fault():
    assert fault_ids() == []


@pytest.mark.parametrize("age", [18, 120])
def test_the_first_and_the_last_possible_age_pass(age):
    assert fault_ids(age_years=age) == []


@pytest.mark.parametrize(
    ("age", "answer", "fault"),
    [
        (17, "met", "age_contradiction"),
        (18, "not_met", "age_contradiction"),
        (121, "met", "age_range"),
        (-1, "not_met", "age_range"),
        (None, "met", "age_missing"),
    ],
)
def test_an_age_that_cannot_be_or_contradicts_its_criterion_is_named(age, answer, fault):
    assert fault_ids(age_years=age, answers={"INC-03": Answer(answer)}) == [fault]


@pytest.mark.parametrize("sex", ["", "m", "X", "female"])
def test_sex_is_f_or_m(sex):
    assert fault_ids(sex=sex) == ["sex"]


def test_consent_that_is_met_needs_its_date():
    assert fault_ids(consent_date=None) == ["consent_contradiction"]


@pytest.mark.parametrize("answer", [Answer.NOT_MET])
def test_a_date_of_consent_contradicts_consent_that_is_not_met(answer):
    assert fault_ids(answers={"INC-02": answer}) == ["consent_contradiction"]


def test_consent_in_a_version_that_the_protocol_does_not_know_is_named():
    assert fault_ids(consent_version="0.9") == ["consent_version"]


def test_nobody_asks_for_the_version_of_a_consent_that_was_not_given():
    without = {"consent_date": None, "consent_version": "", "answers": {"INC-02": Answer.NOT_MET}}
    assert fault_ids(**without) == []


@pytest.mark.parametrize("name", ["screening", "consent"])
def test_today_passes_and_tomorrow_is_the_future(name):
    assert fault_ids(**{f"{name}_date": TODAY}) == []
    assert fault_ids(**{f"{name}_date": TODAY + timedelta(days=1)}) == [f"{name}_future"]


def test_a_criterion_of_another_protocol_is_named():
    assert fault_ids(answers={"EXC-99": Answer.MET}) == ["criterion_unknown"]


@given(
    age=st.none() | st.integers(-10, 200),
    sex=st.sampled_from(["F", "M", "", "x"]),
    consent=st.none() | st.dates(date(2025, 1, 1), date(2027, 1, 1)),
    version=st.sampled_from(["1.0", "", "2"]),
    answers=answer_sheets,
)
def test_whatever_passes_without_a_fault_does_not_contradict_itself(
    age, sex, consent, version, answers
):
    given_facts = facts(
        age_years=age, sex=sex, consent_date=consent, consent_version=version, answers=answers
    )
    if faults_of(given_facts, PROTOCOL, today=TODAY):
        return
    if given_facts.answers["INC-02"] == Answer.MET:
        assert given_facts.consent_date is not None
    if given_facts.answers["INC-03"] == Answer.MET:
        assert given_facts.age_years >= 18
    assert given_facts.sex in {"F", "M"}
