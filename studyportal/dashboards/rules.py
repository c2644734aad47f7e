"""Which one thing a participant still needs. Facts in, one step out; no clock, no database."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from studyportal.sites.rules import Action


class Step(StrEnum):
    """Steps from screening to outcome, in the order in which they are asked for."""

    ANSWER_CRITERIA = "answer_criteria"
    RECORD_CONSENT = "record_consent"
    ENROL = "enrol"
    RENEW_CONSENT = "renew_consent"
    SEND_CT = "send_ct"
    SEND_PET = "send_pet"
    MEND_FINDING = "mend_finding"
    JUDGE_ARTEFACTS = "judge_artefacts"
    ENTER_REFERENCE = "enter_reference"
    WAIT_CHECKS = "wait_checks"
    WAIT_SYNTHESIS = "wait_synthesis"
    COMPLETE = "complete"
    ENDED = "ended"


# What a person must be allowed to do to take the step; the other steps wait for the portal or for nobody.
STEP_ACTIONS: Mapping[Step, Action] = {
    Step.ANSWER_CRITERIA: Action.SCREEN_PARTICIPANT,
    Step.RECORD_CONSENT: Action.SCREEN_PARTICIPANT,
    Step.ENROL: Action.SCREEN_PARTICIPANT,
    Step.RENEW_CONSENT: Action.SCREEN_PARTICIPANT,
    Step.SEND_CT: Action.UPLOAD_IMAGES,
    Step.SEND_PET: Action.UPLOAD_IMAGES,
    Step.MEND_FINDING: Action.SEE_IMAGES,
    Step.JUDGE_ARTEFACTS: Action.ACCEPT_FINDING,
    Step.ENTER_REFERENCE: Action.ENTER_CLINICAL,
}
_OVER = frozenset({"screen_failed", "discontinued"})
_BEFORE_ENROLMENT = frozenset({"screened", "eligible"})


@dataclass(frozen=True)
class ChainFacts:
    """What is known of one participant's way; empty text means that there is none yet."""

    status: str
    screened_on: date
    assessed_on: date | None
    enrolled_on: date | None
    open_criteria: frozenset[str]
    open_at_screening: frozenset[str]
    consent_code: str
    artefacts_code: str
    ct: str
    ct_on: date | None
    pet: str
    pet_on: date | None
    pair: str
    pair_on: date | None
    referenced: bool
    job: str
    reconsent_since: date | None = None


@dataclass(frozen=True)
class Missing:
    """The one thing still missing, and since when."""

    step: Step
    since: date | None


def missing_step(facts: ChainFacts) -> Missing:
    """Return the one thing that this participant needs now."""
    if facts.status in _OVER or facts.pair == "excluded":
        return Missing(Step.ENDED, None)
    if facts.reconsent_since is not None:  # nothing else may go on without it
        return Missing(Step.RENEW_CONSENT, facts.reconsent_since)
    if facts.status in _BEFORE_ENROLMENT:
        return _at_screening(facts)
    return _at_images(facts) or _at_judgement(facts) or Missing(Step.COMPLETE, None)


def _at_screening(facts: ChainFacts) -> Missing:
    if facts.status == "eligible":
        return Missing(Step.ENROL, facts.assessed_on)
    only_consent = facts.open_criteria & facts.open_at_screening == {facts.consent_code}
    step = Step.RECORD_CONSENT if only_consent else Step.ANSWER_CRITERIA
    return Missing(step, facts.screened_on)


def _at_images(facts: ChainFacts) -> Missing | None:
    """A series that was refused comes first: its sender still has it at hand."""
    if facts.ct == "quarantined":
        return Missing(Step.MEND_FINDING, facts.ct_on)
    if facts.pet == "quarantined":
        return Missing(Step.MEND_FINDING, facts.pet_on)
    if facts.ct in ("", "receiving"):
        return Missing(Step.SEND_CT, facts.enrolled_on)
    if facts.pet in ("", "receiving"):
        return Missing(Step.SEND_PET, facts.ct_on or facts.enrolled_on)
    if facts.pair == "query_open":
        return Missing(Step.MEND_FINDING, facts.pair_on)
    return None


def _at_judgement(facts: ChainFacts) -> Missing | None:
    if facts.pair == "ready" and facts.artefacts_code in facts.open_criteria:
        return Missing(Step.JUDGE_ARTEFACTS, facts.pair_on)
    if not facts.referenced:
        return Missing(Step.ENTER_REFERENCE, facts.enrolled_on)
    if facts.pair != "ready":
        return Missing(Step.WAIT_CHECKS, facts.pet_on or facts.ct_on)
    if facts.job != "succeeded":
        return Missing(Step.WAIT_SYNTHESIS, facts.pair_on)
    return None
