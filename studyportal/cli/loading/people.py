"""Who is screened, and how far each of them came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from studyportal.cli.loading.chance import Chance
from studyportal.participants.rules import Answer, ScreeningFacts
from studyportal.participants.services import Ending, Seed
from studyportal.participants.states import ParticipantStatus

CONSENT_VERSION = "1.0"
_OLDEST_DAYS, _YOUNGEST_DAYS = 900, 75
_OPEN = {"INC-01": Answer.MET, "INC-02": Answer.MET, "INC-03": Answer.MET}
_FITS = {**_OPEN, "EXC-01": Answer.NOT_MET}


@dataclass(frozen=True)
class Person:
    """A made-up person; `chance` goes on with the draws of the same person."""

    seed: Seed
    chance: Chance

    @property
    def enrolled(self) -> bool:
        """Whether the person takes part and has forms."""
        return self.seed.enrolled_on is not None


def person(site_code: str, number: int, *, seed: int, enrolled: bool, today: date) -> Person:
    """The person of this number at this site."""
    chance = Chance(seed, site_code, number, enrolled)
    youngest = _YOUNGEST_DAYS if enrolled else 0
    screened = today - timedelta(days=chance.whole(youngest, _OLDEST_DAYS))
    made = _enrolled if enrolled else _not_enrolled
    return Person(made(site_code, screened, chance, today), chance)


def _facts(
    site_code: str, screened: date, chance: Chance, answers: dict[str, Answer], *, consents: bool
) -> ScreeningFacts:
    return ScreeningFacts(
        site_code=site_code,
        sex=chance.one("F", "M", weights=(43, 57)),
        age_years=round(float(chance.around(63, 10, low=25, high=88))),
        screening_date=screened,
        consent_date=screened - timedelta(days=chance.whole(0, 5)) if consents else None,
        consent_version=CONSENT_VERSION if consents else "",
        answers=answers,
        consent_language=chance.one("zh", "en", weights=(97, 3)) if consents else "",
    )


def _not_enrolled(site_code: str, screened: date, chance: Chance, _today: date) -> Seed:
    """Most failed screening, some wait for an answer or for their enrolment."""
    refused = {**_FITS, "INC-02": Answer.NOT_MET}
    answers = chance.one(
        {**_FITS, "EXC-01": Answer.MET},
        {**_FITS, "INC-01": Answer.NOT_MET},
        refused,
        _OPEN,
        _FITS,
        weights=(40, 20, 15, 10, 15),
    )
    consents = answers is not refused
    return Seed(_facts(site_code, screened, chance, dict(answers), consents=consents))


def _enrolled(site_code: str, screened: date, chance: Chance, today: date) -> Seed:
    enrolled_on = chance.later(screened, 0, 10, last=today)
    settled_on = chance.later(enrolled_on, 20, 40, last=today)
    later = {"EXC-03": (Answer.NOT_MET, "pathology")}
    if chance.happens(0.85):
        later |= {
            "EXC-02": (Answer.NOT_MET, "imaging"),
            "EXC-04": (Answer.NOT_MET, "imaging"),
        }
    return Seed(
        _facts(site_code, screened, chance, dict(_FITS), consents=True),
        later=later,
        settled_on=settled_on,
        enrolled_on=enrolled_on,
        ending=_ending(enrolled_on, chance, today),
    )


def _ending(enrolled_on: date, chance: Chance, today: date) -> Ending | None:
    if enrolled_on < today - timedelta(days=500) and chance.happens(0.3):
        on = chance.later(enrolled_on, 380, 480, last=today)
        return Ending(ParticipantStatus.COMPLETED, on, "All visits were made.")
    if chance.happens(0.03):
        on = chance.later(enrolled_on, 60, 300, last=today)
        return Ending(ParticipantStatus.DISCONTINUED, on, "Moved to another province.")
    return None
