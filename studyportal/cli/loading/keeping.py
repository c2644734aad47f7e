"""Keeps a made-up study site by site, some participants in each transaction, with several writers at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from django.db import connection, transaction

from studyportal.cli.loading.casebooks import casebook
from studyportal.cli.loading.people import Person, person
from studyportal.clinical.services import Book, Staff, seed_forms
from studyportal.core.audit_context import acting
from studyportal.core.bulk import midday
from studyportal.core.database.scope import over_every_site
from studyportal.imaging.services import PairSeed, seed_pairs
from studyportal.imaging.states import PairStatus
from studyportal.participants.services import seed_participants
from studyportal.queries.rules import Asked
from studyportal.queries.services import SeededQuery, Subject, seed_queries
from studyportal.queries.states import QueryStatus

if TYPE_CHECKING:
    from studyportal.participants.models import Participant
    from studyportal.sites.models import Site

AT_ONCE = 100
# For each hundred who are enrolled so many more were screened and are not.
NOT_ENROLLED_PERCENT = 15
_QUESTIONS = (
    ("baseline", "weight_kg", "The weight differs from the one in the anaesthesia record. Compare both."),
    ("lesions", "long_axis_mm", "The report of the CT gives another size. Which one is right?"),
    ("pathology", "histology", "Please attach the number of the pathology report to your file."),
    ("follow_up", "contact_on", "The visit is outside its window. Say why."),
)  # fmt: skip


@dataclass(frozen=True)
class Share:
    """What one site gets, and who works there."""

    site: Site
    enrolled: int
    staff: Staff


def keep_study(
    shares: Sequence[Share],
    *,
    seed: int,
    today: date,
    writers: int,
    each: Callable[[int], object],
) -> None:
    """Every person of every site stands in the study; `each` hears how many were kept after each transaction."""
    with ThreadPoolExecutor(writers) as pool:
        done = [
            pool.submit(_keep_site, share, seed=seed, today=today, each=each) for share in shares
        ]
        for one in done:
            one.result()


@over_every_site("a new thread sees no site, and the counters of the study are everybody's")
def _keep_site(share: Share, *, seed: int, today: date, each: Callable[[int], object]) -> None:
    try:
        with acting(command="seed_load", user=share.staff.coordinator.pk):
            coming = _people(share, seed=seed, today=today)
            while people := list(islice(coming, AT_ONCE)):
                keep_people(share, people, today=today)
                each(sum(one.enrolled for one in people))
    finally:
        connection.close()  # of this thread


def _people(share: Share, *, seed: int, today: date) -> Iterator[Person]:
    """Enrolled people with others between them, as screening brings them."""
    code, others = share.site.code, 0
    for number in range(1, share.enrolled + 1):
        yield person(code, number, seed=seed, enrolled=True, today=today)
        while others < number * NOT_ENROLLED_PERCENT // 100:
            others += 1
            yield person(code, others, seed=seed, enrolled=False, today=today)


@transaction.atomic
def keep_people(share: Share, people: Sequence[Person], *, today: date) -> None:
    """These people of a site stand in the study with their forms, pairs and queries, in one transaction."""
    site, staff = share.site, share.staff
    participants = seed_participants(
        site=site, seeds=[one.seed for one in people], by=staff.coordinator
    )
    enrolled = [(one, who) for one, who in zip(people, participants, strict=True) if one.enrolled]
    books = [
        Book(who, casebook(one.seed.facts, _day(one), one.chance, today=today))
        for one, who in enrolled
    ]
    seed_forms(site=site, books=books, staff=staff)
    pairs = [_pair(one, who, today) for one, who in enrolled]
    seed_pairs(site=site, seeds=pairs, by=staff.coordinator, manager=staff.manager)
    asked = [_question(one, who, staff) for one, who in enrolled if one.chance.happens(0.2)]
    seed_queries(queries=asked)


def _day(one: Person) -> date:
    return one.seed.enrolled_on or one.seed.facts.screening_date


def _pair(one: Person, who: Participant, today: date) -> PairSeed:
    chance = one.chance
    settled = "EXC-04" in one.seed.later
    status = PairStatus.AWAITING_IMAGES
    if settled:
        status = chance.one(
            PairStatus.READY, PairStatus.QUERY_OPEN, PairStatus.EXCLUDED, weights=(94, 4, 2)
        )
    excluded = status == PairStatus.EXCLUDED
    reason = "The bed moved between CT and PET." if excluded else ""
    on = chance.later(_day(one), 1, 10, last=today - timedelta(days=1))
    return PairSeed(who, status, on, sent_ct=chance.happens(0.5), reason=reason)


def _question(one: Person, who: Participant, staff: Staff) -> SeededQuery:
    chance = one.chance
    form, field, words = chance.one(*_QUESTIONS)
    status = chance.one(
        QueryStatus.OPEN, QueryStatus.ANSWERED, QueryStatus.CLOSED, weights=(25, 15, 60)
    )
    return SeededQuery(
        subject=Subject(who.site, who.code, form, who.pk),
        asked=Asked(field, words),
        at=midday(_day(one) + timedelta(days=chance.whole(1, 70))),
        status=status,
        asked_by=staff.manager,
        answered_by=staff.coordinator,
        closed_by=staff.manager,
    )
