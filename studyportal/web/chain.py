"""A participant's way from screening to outcome as one line of steps, put together from what the rooms tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from studyportal.web.words import DONE, NEEDS_YOU, REFUSED, SEALED, WAITING, Word, word_of

if TYPE_CHECKING:
    from studyportal.clinical.models import ReferenceStandard
    from studyportal.imaging.models import ImagingSeries, ScanPair
    from studyportal.participants.models import Consent, EligibilityAssessment, Participant
    from studyportal.syntheses.models import SynthesisJob


@dataclass(frozen=True)
class ChainStep:
    """One step of the line."""

    key: str
    title: str
    word: Word
    on: datetime | date | None = None
    who: str = ""
    note: str | Promise = ""


@dataclass(frozen=True)
class ChainSources:
    """What the line is drawn from."""

    participant: Participant
    assessment: EligibilityAssessment | None
    consents: Sequence[Consent]
    pair: ScanPair | None
    series: Sequence[ImagingSeries]
    jobs: Sequence[SynthesisJob]
    references: Sequence[ReferenceStandard]
    sees_outcomes: bool
    measured: int
    removed: bool = False


def chain_of(sources: ChainSources) -> list[ChainStep]:
    """Return the steps from screening to outcome."""
    return [
        _screening(sources),
        _consent(sources),
        _enrolment(sources),
        _series("ct", _("CT"), "source", sources),
        _series("pet", _("PET"), "reference", sources),
        _pair(sources.pair),
        _synthesis(sources.jobs),
        _measurements(sources),
        _reference(sources),
    ]


def _screening(sources: ChainSources) -> ChainStep:
    participant, assessment = sources.participant, sources.assessment
    word = word_of("verdict", assessment.verdict) if assessment else Word(WAITING, _("waiting"))
    return ChainStep(
        "screening", _("Screening"), word, participant.screening_date, str(participant.created_by)
    )


def _consent(sources: ChainSources) -> ChainStep:
    title = _("Consent")
    if not sources.consents:
        return ChainStep("consent", title, Word(NEEDS_YOU, _("none recorded")))
    newest = sources.consents[-1]
    if newest.withdrawn_on:
        return ChainStep("consent", title, Word(REFUSED, _("withdrawn")), newest.withdrawn_on)
    note = _("Consent form version %(version)s.") % {"version": newest.version}
    return ChainStep("consent", title, Word(DONE, _("signed")), newest.signed_on, note=note)


def _enrolment(sources: ChainSources) -> ChainStep:
    participant = sources.participant
    title = _("Enrolment")
    if participant.enrolled_on:
        return ChainStep("enrolment", title, Word(DONE, _("enrolled")), participant.enrolled_on)
    if participant.status == "eligible":
        return ChainStep("enrolment", title, Word(NEEDS_YOU, _("to enrol")))
    return ChainStep("enrolment", title, word_of("participant", participant.status))


def _series(key: str, title: str, role: str, sources: ChainSources) -> ChainStep:
    of_role = [row for row in sources.series if row.role == role]
    sent = [row for row in of_role if row.status != "purged"]
    if sources.removed:
        return ChainStep(key, title, Word(REFUSED, _("deleted") if of_role else _("none")))
    if not sent:
        return ChainStep(key, title, Word(WAITING, _("not sent yet")))
    newest = sent[-1]
    note = ""
    if newest.status == "accepted":
        note = ngettext("%(n)s slice.", "%(n)s slices.", newest.stored_files) % {
            "n": newest.stored_files
        }
    moment = newest.settled_at or newest.opened_at
    return ChainStep(
        key,
        title,
        word_of("series", newest.status),
        moment,
        str(newest.sent_by or _("inbox")),
        note,
    )


def _pair(pair: ScanPair | None) -> ChainStep:
    title = _("Pair of CT and PET")
    if pair is None:
        return ChainStep("pair", title, Word(WAITING, _("waits for CT and PET")))
    return ChainStep(
        "pair",
        title,
        word_of("pair", pair.status),
        pair.settled_at or pair.opened_at,
        note=pair.exclusion_reason,
    )


def _synthesis(jobs: Sequence[SynthesisJob]) -> ChainStep:
    title = _("Synthetic PET")
    if not jobs:
        return ChainStep("synthesis", title, Word(WAITING, _("not requested yet")))
    newest = jobs[0]
    return ChainStep(
        "synthesis",
        title,
        word_of("job", newest.status),
        newest.ended_at or newest.requested_at,
        str(newest.requested_by),
        newest.reason or str(newest.release),
    )


def _measurements(sources: ChainSources) -> ChainStep:
    title = _("Measurements")
    if not sources.sees_outcomes:
        return ChainStep(
            "measurements",
            title,
            Word(SEALED, _("sealed")),
            note=_("Outcomes are open to the statistician and the study PI."),
        )
    if not sources.measured:
        return ChainStep("measurements", title, Word(WAITING, _("none yet")))
    note = ngettext("%(n)s number.", "%(n)s numbers.", sources.measured) % {"n": sources.measured}
    return ChainStep("measurements", title, Word(DONE, _("measured")), note=note)


def _reference(sources: ChainSources) -> ChainStep:
    title = _("Pathology and reference standard")
    rows = sources.references
    if sources.removed:
        return ChainStep("reference", title, Word(SEALED, _("sealed")))
    if not rows:
        tone = NEEDS_YOU if sources.participant.enrolled_on else WAITING
        return ChainStep("reference", title, Word(tone, _("not entered yet")))
    newest = max(rows, key=lambda row: row.entered_at)
    note = ngettext("%(n)s unit.", "%(n)s units.", len(rows)) % {"n": len(rows)}
    return ChainStep(
        "reference",
        title,
        Word(DONE, _("derived")),
        newest.entered_at,
        str(newest.entered_by),
        note,
    )
