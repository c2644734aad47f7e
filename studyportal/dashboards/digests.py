"""What waits for a person, as counts only: the e-mail of the morning holds no code, no name and no clinical value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation

from studyportal.core.models import Digest, User
from studyportal.core.selectors import people_with_digest
from studyportal.dashboards.selectors import waiting_participants
from studyportal.protocol.selectors import in_force
from studyportal.queries.rules import age_days
from studyportal.queries.selectors import waiting_for
from studyportal.reading.selectors import own_lists

OLD_DAYS = 14  # queries that stand longer are counted apart
_MONDAY = 0


@dataclass(frozen=True)
class Waiting:
    """How much waits for one person."""

    participants: int
    queries: int
    old_queries: int
    cases: int = 0


def waiting_of(user: User, *, today: date) -> Waiting:
    """What the worklist and the data queries ask of this person now."""
    asked = waiting_for(user).select_related(None).only("opened_at")
    ages = [age_days(query.opened_on, today=today) for query in asked]
    return Waiting(
        participants=waiting_participants(user),
        queries=len(ages),
        old_queries=sum(age > OLD_DAYS for age in ages),
        cases=sum(one.left for one in own_lists(user) if one.next_read),
    )


def due_digests(*, today: date) -> Iterator[tuple[User, Waiting]]:
    """People who want an e-mail today, had none yet, and for whom something waits."""
    for user in people_with_digest() if in_force() else ():
        wanted = user.digest == Digest.DAILY or today.weekday() == _MONDAY
        if wanted and user.digest_sent_on != today:
            waiting = waiting_of(user, today=today)
            if waiting.participants or waiting.queries or waiting.cases:
                yield user, waiting


def digest_text(user: User, waiting: Waiting, *, address: str) -> tuple[str, str]:
    """Subject and text of the e-mail, in the person's language."""
    facts = {"user": user, "waiting": waiting, "address": address, "old_days": OLD_DAYS}
    with translation.override(user.language or settings.LANGUAGE_CODE):
        subject = render_to_string("mail/digest_subject.txt", facts)
        return " ".join(subject.split()), render_to_string("mail/digest.txt", facts)
