"""Eligibility: criteria and answers in, a verdict with a reason per criterion out. No clock, no database."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from studyportal.core.errors import Reason
from studyportal.participants.rules.consent import Offer, Signature, signature_faults
from studyportal.protocol.rules import Criterion, Protocol


class Answer(StrEnum):
    """For an exclusion criterion “met” means that it applies and stands in the way."""

    MET = "met"
    NOT_MET = "not_met"
    UNKNOWN = "unknown"


class Sex(StrEnum):
    FEMALE = "F"
    MALE = "M"


class Verdict(StrEnum):
    ELIGIBLE = "eligible"
    NOT_ELIGIBLE = "not_eligible"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True)
class ScreeningFacts:
    """What was established at screening."""

    site_code: str
    sex: str
    age_years: int | None
    screening_date: date
    consent_date: date | None
    consent_version: str
    answers: Mapping[str, Answer]
    consent_language: str = ""


@dataclass(frozen=True)
class Assessment:
    """The verdict and why. `open_items` are criteria that settle later and do not stand in the way now."""

    verdict: Verdict
    reasons: tuple[Reason, ...]
    open_items: tuple[Reason, ...]


def faults_of(
    facts: ScreeningFacts,
    protocol: Protocol,
    *,
    today: date,
    offers: Sequence[Offer] = (),
    consent_kept: bool = False,
) -> tuple[Reason, ...]:
    """Everything that contradicts itself or cannot be, in words; empty when the facts can be kept.

    `offers` are the versions of the consent form that the site declared. A consent that is kept already was judged
    when it was kept.
    """
    judged = () if consent_kept else _consent_faults(facts, protocol, today=today, offers=offers)
    return (
        *_answer_faults(facts, protocol),
        *judged,
        *_date_faults(facts, today=today),
        *_contradictions(facts, protocol),
    )


def assess(
    answers: Mapping[str, Answer],
    criteria: Sequence[Criterion],
    *,
    overridden: Collection[str] = frozenset(),
) -> Assessment:
    """Return the verdict. Unknown never counts as met.

    A criterion that settles at screening must be known; one that imaging or pathology settles may stay open.
    One that two people overrode is answered as it was and stands in the way no longer.
    """
    against: list[Reason] = []
    missing: list[Reason] = []
    later: list[Reason] = []
    for criterion in criteria:
        answer = answers.get(criterion.code, Answer.UNKNOWN)
        if answer == Answer.UNKNOWN:
            target = missing if criterion.settled_by == "screening" else later
            target.append(Reason(criterion.code, _open_sentence(criterion)))
        elif not fulfilled(criterion, answer) and criterion.code not in overridden:
            against.append(Reason(criterion.code, criterion.unmet))
    if against:
        return Assessment(Verdict.NOT_ELIGIBLE, tuple(against), tuple(later))
    if missing:
        return Assessment(Verdict.UNDETERMINED, tuple(missing), tuple(later))
    return Assessment(Verdict.ELIGIBLE, (), tuple(later))


def fulfilled(criterion: Criterion, answer: Answer) -> bool:
    """Whether this answer lets the person take part: an inclusion that is met, an exclusion that is not."""
    return answer != Answer.UNKNOWN and (answer == Answer.MET) == (criterion.kind == "inclusion")


def contradiction(code: str, screened: Answer, *, answer: Answer, source: str) -> str:
    """What to ask when a later source answers a criterion otherwise than screening did; empty when they agree."""
    if Answer.UNKNOWN in (screened, answer) or screened == answer:
        return ""
    before, after = screened.replace("_", " "), answer.replace("_", " ")
    return (
        f"{code} was answered “{before}” at screening, and {source} says “{after}”. Check both; have the wrong one "
        "corrected, or explain why they differ."
    )


def _open_sentence(criterion: Criterion) -> str:
    waits = {
        "screening": "Not answered yet",
        "imaging": "Settles when the images are checked",
        "pathology": "Settles when the pathology is entered",
    }
    return f"{waits[criterion.settled_by]}: {criterion.text}."


def _answer_faults(facts: ScreeningFacts, protocol: Protocol) -> list[Reason]:
    known = {criterion.code for criterion in protocol.criteria}
    faults = [
        Reason(
            "criterion_unknown", f"{code} is not a criterion of protocol {protocol.version}.", code
        )
        for code in sorted(set(facts.answers) - known)
    ]
    if facts.sex not in set(Sex):
        faults.append(Reason("sex", "Sex must be F or M.", "sex"))
    if facts.age_years is None:
        faults.append(Reason("age_missing", "The age in years is missing.", "age_years"))
    elif not 0 <= facts.age_years <= 120:
        faults.append(
            Reason("age_range", f"An age of {facts.age_years} years cannot be.", "age_years")
        )
    return faults


def _consent_faults(
    facts: ScreeningFacts, protocol: Protocol, *, today: date, offers: Sequence[Offer]
) -> tuple[Reason, ...]:
    if facts.consent_date is None:
        return ()
    signature = Signature(facts.consent_version, facts.consent_language, facts.consent_date)
    return signature_faults(
        signature, offers=offers, of_protocol=protocol.consent_versions, today=today
    )


def _date_faults(facts: ScreeningFacts, *, today: date) -> list[Reason]:
    faults = []
    if facts.screening_date > today:
        faults.append(
            Reason("screening_future", "The screening date lies in the future.", "screening_date")
        )
    return faults


def _contradictions(facts: ScreeningFacts, protocol: Protocol) -> list[Reason]:
    return [*_consent_contradictions(facts, protocol), *_age_contradictions(facts, protocol)]


def _consent_contradictions(facts: ScreeningFacts, protocol: Protocol) -> list[Reason]:
    code = protocol.code_of("consent")
    answer = facts.answers.get(code, Answer.UNKNOWN)
    if answer == Answer.MET and facts.consent_date is None:
        sentence = f"{code} is met, yet there is no date of consent."
        return [Reason("consent_contradiction", sentence, "consent_date")]
    if answer == Answer.NOT_MET and facts.consent_date is not None:
        sentence = f"There is a date of consent, yet {code} is not met."
        return [Reason("consent_contradiction", sentence, code)]
    return []


def _age_contradictions(facts: ScreeningFacts, protocol: Protocol) -> list[Reason]:
    code = protocol.code_of("age")
    answer = facts.answers.get(code, Answer.UNKNOWN)
    if facts.age_years is None or answer == Answer.UNKNOWN:
        return []
    adult = facts.age_years >= protocol.minimum_age_years
    if (answer == Answer.MET) == adult:
        return []
    sentence = f"{code} is answered “{answer.replace('_', ' ')}”, yet the age is {facts.age_years}."
    return [Reason("age_contradiction", sentence, code)]
