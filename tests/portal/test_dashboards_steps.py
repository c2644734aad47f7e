"""The one thing still missing: each step, and in which order."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studyportal.dashboards.rules import STEP_ACTIONS, ChainFacts, Step, missing_step

SCREENING = frozenset({"INC-01", "INC-02", "INC-03", "EXC-01"})
DONE = {
    "status": "enrolled",
    "screened_on": date(2026, 1, 1),
    "assessed_on": date(2026, 1, 2),
    "enrolled_on": date(2026, 1, 3),
    "open_criteria": frozenset(),
    "open_at_screening": SCREENING,
    "consent_code": "INC-02",
    "artefacts_code": "EXC-02",
    "ct": "accepted",
    "ct_on": date(2026, 1, 4),
    "pet": "accepted",
    "pet_on": date(2026, 1, 5),
    "pair": "ready",
    "pair_on": date(2026, 1, 6),
    "referenced": True,
    "job": "succeeded",
}


def facts(**changes) -> ChainFacts:
    return ChainFacts(**{**DONE, **changes})


@pytest.mark.parametrize(
    ("changes", "step", "since"),
    [
        ({}, Step.COMPLETE, None),
        ({"status": "screen_failed"}, Step.ENDED, None),
        ({"status": "discontinued"}, Step.ENDED, None),
        ({"pair": "excluded"}, Step.ENDED, None),
        (
            {"status": "screened", "open_criteria": frozenset({"INC-02", "EXC-04"})},
            Step.RECORD_CONSENT,
            date(2026, 1, 1),
        ),
        (
            {"status": "screened", "open_criteria": frozenset({"INC-02", "INC-01"})},
            Step.ANSWER_CRITERIA,
            date(2026, 1, 1),
        ),
        ({"status": "eligible"}, Step.ENROL, date(2026, 1, 2)),
        ({"ct": "", "pair": ""}, Step.SEND_CT, date(2026, 1, 3)),
        ({"ct": "receiving"}, Step.SEND_CT, date(2026, 1, 3)),
        ({"pet": ""}, Step.SEND_PET, date(2026, 1, 4)),
        ({"pet": "", "ct": "received", "ct_on": None}, Step.SEND_PET, date(2026, 1, 3)),
        ({"ct": "quarantined"}, Step.MEND_FINDING, date(2026, 1, 4)),
        ({"ct": "", "pet": "quarantined"}, Step.MEND_FINDING, date(2026, 1, 5)),
        ({"pair": "query_open"}, Step.MEND_FINDING, date(2026, 1, 6)),
        ({"open_criteria": frozenset({"EXC-02"})}, Step.JUDGE_ARTEFACTS, date(2026, 1, 6)),
        ({"referenced": False}, Step.ENTER_REFERENCE, date(2026, 1, 3)),
        ({"pair": "checking", "pet": "received"}, Step.WAIT_CHECKS, date(2026, 1, 5)),
        ({"job": ""}, Step.WAIT_SYNTHESIS, date(2026, 1, 6)),
        ({"job": "running"}, Step.WAIT_SYNTHESIS, date(2026, 1, 6)),
        ({"job": "errored"}, Step.WAIT_SYNTHESIS, date(2026, 1, 6)),
    ],
)
def test_the_missing_step_and_since_when(changes, step, since):
    missing = missing_step(facts(**changes))
    assert (missing.step, missing.since) == (step, since)


def test_what_a_person_can_mend_comes_before_what_waits():
    everything_open = facts(
        pair="query_open", referenced=False, job="", open_criteria=frozenset({"EXC-02"})
    )
    assert missing_step(everything_open).step == Step.MEND_FINDING


@given(
    status=st.sampled_from(["screened", "eligible", "enrolled", "completed", "discontinued"]),
    ct=st.sampled_from(["", "receiving", "received", "accepted", "quarantined"]),
    pet=st.sampled_from(["", "receiving", "received", "accepted", "quarantined"]),
    pair=st.sampled_from(["", "awaiting_images", "checking", "ready", "query_open", "excluded"]),
    referenced=st.booleans(),
    job=st.sampled_from(["", "queued", "running", "succeeded", "errored"]),
    unanswered=st.frozensets(st.sampled_from(sorted(SCREENING | {"EXC-02"}))),
)
def test_complete_only_when_nothing_is_open(status, ct, pet, pair, referenced, job, unanswered):
    step = missing_step(
        facts(
            status=status,
            ct=ct,
            pet=pet,
            pair=pair,
            referenced=referenced,
            job=job,
            open_criteria=unanswered,
        )
    ).step
    whole = (ct, pet, pair, referenced, job) == ("accepted", "accepted", "ready", True, "succeeded")
    enrolled = status in ("enrolled", "completed")
    assert (step == Step.COMPLETE) == (whole and enrolled and "EXC-02" not in unanswered)


def test_every_step_that_a_person_takes_names_its_right():
    nobody = {Step.WAIT_CHECKS, Step.WAIT_SYNTHESIS, Step.COMPLETE, Step.ENDED}
    assert set(STEP_ACTIONS) == set(Step) - nobody
