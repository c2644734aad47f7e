"""What stands in the way of images is asked of the site as data queries, which close when a later upload mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studyportal.imaging.models import ArrivalConflict, ImagingSeries
from studyportal.imaging.selectors import open_findings
from studyportal.imaging.states import (
    ArrivalStatus,
    Grade,
    PairStatus,
    SeriesRole,
    SeriesStatus,
)
from studyportal.queries.rules import Asked
from studyportal.queries.services import Subject, settle_rules

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from studyportal.imaging.models import Arrival, Finding, ScanPair

FORM = "images"
_PAIR = "pair"


def ask_about_pair(pair: ScanPair) -> None:
    """The site is asked about every finding that excludes the pair or one of its series, and about nothing else.

    An excluded pair asks for nothing: its images are out of every analysis.
    """
    participant = pair.participant
    asked = [
        Asked(
            field=finding.series.role if finding.series else _PAIR,
            question=finding.sentence,
            rule=finding.rule,
            evidence=str(finding.pk),
        )
        for finding in _in_the_way(pair)
    ]
    subject = Subject(participant.site, participant.code, FORM, pair.pk)
    settle_rules(subject=subject, asked=_one_each(asked))


def ask_about_arrival(arrival: Arrival) -> None:
    """The site is asked once which images are right, however many of the series came again with other content."""
    open_ones = ArrivalConflict.objects.filter(arrival=arrival, settled_at=None)
    stands = arrival.status != ArrivalStatus.DISCARDED and open_ones.exists()
    participant = arrival.series.pair.participant if arrival.series else None
    subject = Subject(arrival.site, participant.code if participant else "", FORM, arrival.pk)
    what = arrival.modality or "unreadable"
    question = (
        f"Images of a series ({what}) from {arrival.sender} came again with other content. The first ones were kept. "
        "Ask the sender which are right and say so in the inbox; when it is the second ones, discard the series there "
        "and have it sent again."
    )
    asked = [Asked(field="arrival", question=question, rule="arrival_conflict")] if stands else []
    settle_rules(subject=subject, asked=asked)


def _in_the_way(pair: ScanPair) -> QuerySet[Finding]:
    standing = open_findings(pair).filter(grade=Grade.EXCLUDE, accepted_at=None)
    if pair.status == PairStatus.EXCLUDED:
        return standing.none()
    drawn = ImagingSeries.objects.filter(
        pair=pair, role=SeriesRole.OUTLINES, status=SeriesStatus.ACCEPTED
    )
    newest = drawn.order_by("-opened_at").values_list("opened_at", flat=True).first()
    if newest is None:
        return standing
    # Outlines that were refused stay refused; those that came after them are what was asked for.
    return standing.exclude(series__role=SeriesRole.OUTLINES, series__opened_at__lt=newest)


def _one_each(asked: list[Asked]) -> list[Asked]:
    """Findings of one rule on one series become one question with all their sentences."""
    together: dict[tuple[str, str], list[Asked]] = {}
    for one in asked:
        together.setdefault((one.rule, one.field), []).append(one)
    return [
        Asked(
            field=field,
            question=" ".join(dict.fromkeys(one.question for one in several)),
            rule=rule,
            evidence=min(one.evidence for one in several),
        )
        for (rule, field), several in together.items()
    ]
