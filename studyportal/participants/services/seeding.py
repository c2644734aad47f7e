"""Many made-up participants at once, for a demonstration. The same rules judge them as those who are screened one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING

from django.db import models, transaction

from studyportal.core import clock
from studyportal.core.bulk import (
    Moved,
    act_on,
    keep_all,
    midday,
    moves_of,
    refuse_outside_demonstration,
)
from studyportal.core.errors import Reason, Refused, refuse_if
from studyportal.core.models import User
from studyportal.participants.models import (
    Consent,
    CriterionAnswer,
    Disposition,
    EligibilityAssessment,
    Participant,
)
from studyportal.participants.rules import Answer, ScreeningFacts, Verdict, assess, faults_of
from studyportal.participants.selectors import offers_at
from studyportal.participants.states import PARTICIPANT, ParticipantStatus
from studyportal.protocol.rules import Protocol
from studyportal.protocol.selectors import active_version, content_of
from studyportal.sites.rules import Action
from studyportal.sites.services import lock_site, require

if TYPE_CHECKING:
    from studyportal.protocol.models import ProtocolVersion
    from studyportal.sites.models import Site

_FOLLOWS: Mapping[Verdict, tuple[ParticipantStatus, ...]] = {
    Verdict.UNDETERMINED: (),
    Verdict.NOT_ELIGIBLE: (ParticipantStatus.SCREEN_FAILED,),
    Verdict.ELIGIBLE: (ParticipantStatus.ELIGIBLE,),
}


@dataclass(frozen=True)
class Ending:
    """How a participant's time in the study ended."""

    kind: ParticipantStatus
    on: date
    reason: str


@dataclass(frozen=True)
class Seed:
    """A made-up participant: what was established at screening, what settled later, and how far they came."""

    facts: ScreeningFacts
    later: Mapping[str, tuple[Answer, str]] = field(default_factory=dict)
    settled_on: date | None = None
    enrolled_on: date | None = None
    ending: Ending | None = None


@dataclass(frozen=True)
class _Study:
    site: Site
    version: ProtocolVersion
    protocol: Protocol
    by: User


@transaction.atomic
def seed_participants(*, site: Site, seeds: Sequence[Seed], by: User) -> list[Participant]:
    """Participants with consent, assessments and history exist as if they had been screened and enrolled on their days.

    Raises
    ------
    Refused
        Outside a demonstration; when facts contradict themselves, or somebody is enrolled who is not eligible.
    """
    refuse_outside_demonstration()
    require(by, Action.SCREEN_PARTICIPANT, site=site)
    version = active_version()
    study = _Study(site, version, content_of(version), by)
    offers = offers_at(site)
    for seed in seeds:
        refuse_if(faults_of(seed.facts, study.protocol, today=clock.today(), offers=offers))
    first = _next_number(site)
    made = [_Made(study, seed, first + place) for place, seed in enumerate(seeds)]
    keep_all(row for one in made for row in one.rows())
    return [one.participant for one in made]


def _next_number(site: Site) -> int:
    lock_site(site)
    codes = Participant.objects.filter(site=site).order_by("-code").values_list("code", flat=True)
    last = codes.first()
    return int(last.rsplit("-", 1)[1]) + 1 if last else 1


class _Made:
    """The rows of one made-up participant."""

    def __init__(self, study: _Study, seed: Seed, number: int) -> None:
        self.study, self.seed = study, seed
        facts = seed.facts
        self.at = midday(facts.screening_date)
        self.assessment = assess(facts.answers, study.protocol.criteria)
        self.path = self._path()
        self.participant = Participant(
            site=study.site,
            code=f"{study.site.code}-{number:0{study.protocol.participant_code_digits}d}",
            status=self.path[-1].target,
            sex=facts.sex,
            age_years=facts.age_years,  # type: ignore[misc]  # a missing age was refused above
            screening_date=facts.screening_date,
            created_at=self.at,
            created_by=study.by,
            enrolled_on=seed.enrolled_on,
        )

    def _path(self) -> list[Moved]:
        by, seed = self.study.by, self.seed
        verdict = Verdict(self.assessment.verdict)
        path = [Moved(ParticipantStatus.SCREENED, self.at, by)]
        why = " ".join(reason.sentence for reason in self.assessment.reasons)
        refused = verdict == Verdict.NOT_ELIGIBLE
        path += [Moved(status, self.at, by, why if refused else "") for status in _FOLLOWS[verdict]]
        if seed.enrolled_on is None:
            return path
        if verdict != Verdict.ELIGIBLE:
            raise Refused(Reason("not_eligible", "Somebody who is not eligible is not enrolled."))
        path.append(Moved(ParticipantStatus.ENROLLED, midday(seed.enrolled_on), by))
        if seed.ending is not None:
            ending = seed.ending
            path.append(Moved(ending.kind, midday(ending.on), by, ending.reason))
        return path

    def rows(self) -> Iterable[models.Model]:
        facts, seed, one = self.seed.facts, self.seed, self.participant
        yield one
        if facts.consent_date is not None:
            yield Consent(
                participant=one,
                version=facts.consent_version,
                language=facts.consent_language,
                signed_on=facts.consent_date,
            )
        asked = {code: (answer, "screening") for code, answer in facts.answers.items()}
        yield from self._assessed(asked, self.at)
        if seed.later and seed.settled_on is not None:
            yield from self._assessed({**asked, **seed.later}, midday(seed.settled_on))
        if seed.ending is not None:
            ending = seed.ending
            kind, on, reason = ending.kind.value, ending.on, ending.reason
            yield Disposition(participant=one, kind=kind, on=on, reason=reason)
        yield from moves_of(one, PARTICIPANT, self.path)
        yield self._act("screen_participant", "was screened", self.at)
        if seed.enrolled_on is not None:
            yield self._act("enrol_participant", "was enrolled", midday(seed.enrolled_on))

    def _assessed(
        self, answers: Mapping[str, tuple[Answer, str]], at: datetime
    ) -> Iterable[models.Model]:
        criteria = self.study.protocol.criteria
        verdict = assess({code: answer for code, (answer, _) in answers.items()}, criteria)
        row = EligibilityAssessment(
            participant=self.participant,
            protocol_version=self.study.version,
            assessed_at=at,
            assessed_by=self.study.by,
            verdict=verdict.verdict,
        )
        yield row
        reasons = {reason.id: reason.sentence for reason in (*verdict.reasons, *verdict.open_items)}
        for criterion in criteria:
            answer, source = answers.get(criterion.code, (Answer.UNKNOWN, "screening"))
            yield CriterionAnswer(
                assessment=row,
                criterion=criterion.code,
                answer=answer,
                source=source,
                reason=reasons.get(criterion.code, ""),
            )

    def _act(self, verb: str, what: str, at: datetime) -> models.Model:
        sentence = f"{self.participant.code} {what}. Made up for a demonstration."
        by, site_code = self.study.by, self.study.site.code
        return act_on(self.participant, verb, sentence, at=at, by=by, site_code=site_code)
