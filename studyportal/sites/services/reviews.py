"""Keeps an access review: who had access to what, what was noted, who looked."""

import hashlib
import json
from typing import Any

from django.db import transaction

from studyportal.core import clock
from studyportal.core.errors import Reason, Refused
from studyportal.core.models import User
from studyportal.core.services import record
from studyportal.sites.models import AccessReview
from studyportal.sites.rules import Action
from studyportal.sites.rules.access import AccessFacts, findings
from studyportal.sites.selectors import access_facts
from studyportal.sites.services.roles import require


@transaction.atomic
def review_access(*, note: str, by: User) -> AccessReview:
    """The list as it is now is kept with what follows from it, and its digest stands in the trail.

    Source: ICH E6(R3) 4.3.8, 21 CFR 11.300(b).

    Raises
    ------
    Refused
        Without a note.
    """
    require(by, Action.MANAGE_PEOPLE)
    if not note.strip():
        raise Refused(
            Reason("note", "Say what follows from the review, or that nothing does.", "note")
        )
    moment = clock.now()
    content = [as_entry(facts, now=moment) for facts in access_facts()]
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    review = AccessReview.objects.create(
        at=moment,
        by=by,
        note=note.strip(),
        content=content,
        sha256=hashlib.sha256(canonical.encode()).hexdigest(),
    )
    sentence = f"Access of {len(content)} people was reviewed (SHA-256 {review.sha256})."
    record("review_access", review, sentence, by=by, reason=note.strip())
    return review


def as_entry(facts: AccessFacts, *, now: Any) -> dict[str, Any]:
    """What a review keeps of one person."""
    return {
        "username": facts.username,
        "name": facts.name,
        "account": "open" if facts.active else "closed",
        "roles": [{"role": role.value, "site": site} for role, site in facts.roles],
        "created_at": facts.created_at.isoformat(timespec="seconds"),
        "last_sign_in": facts.last_sign_in and facts.last_sign_in.isoformat(timespec="seconds"),
        "second_factors": sorted(facts.second_factors),
        "token_since": facts.token_since and facts.token_since.isoformat(timespec="seconds"),
        "findings": [one.sentence for one in findings(facts, now=now)],
    }
