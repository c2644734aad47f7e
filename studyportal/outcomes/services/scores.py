"""Keeps reader scores that come from outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import transaction

from evaluation.readers import Read, reads_from_csv
from studyportal.core import clock
from studyportal.core.errors import Reason, Refused
from studyportal.core.models import User
from studyportal.core.services import record
from studyportal.outcomes.models import IndexScore
from studyportal.outcomes.rules import ScoreEntry, entry_of
from studyportal.participants.selectors import Participant, every_participant
from studyportal.participants.services import refuse_withdrawn
from studyportal.sites.rules import Action
from studyportal.sites.selectors import may
from studyportal.sites.services import require


@transaction.atomic
def enter_scores(
    *, participant: Participant, entries: Sequence[ScoreEntry], by: User
) -> list[IndexScore]:
    """The scores are kept; the same score again changes nothing, another one is refused."""
    require(by, Action.ENTER_CLINICAL, site=participant.site)
    refuse_withdrawn(participant)
    rows = _keep(participant, entries, by=by)
    if rows:
        record(
            "enter_scores",
            participant,
            f"{participant.code}: {len(rows)} reader score(s) were entered.",
            by=by,
            site_code=participant.site.code,
        )
    return rows


LOWEST, HIGHEST = 0.0, 100.0


@transaction.atomic
def import_reads(*, text: str, by: User) -> int:
    """Every read of a CSV file is kept, or none of them; how many there were.

    Raises
    ------
    Refused
        With one reason for each line that cannot be kept, in the order of the lines.
    """
    reads, faults = reads_from_csv(text)
    told = [(fault.line, Reason("read_row", f"{fault}.")) for fault in faults]
    people = {person.code: person for person in every_participant()}
    entries: dict[str, list[ScoreEntry]] = {}
    for line, read in reads.items():
        entry = _entry(read, people, by=by)
        if isinstance(entry, Reason):
            told.append((line, Reason(entry.id, entry.sentence, f"line {line}")))
        else:
            entries.setdefault(read.participant, []).append(entry)
    if told:
        raise Refused(*(reason for _, reason in sorted(told, key=lambda one: one[0])))
    for code, own in entries.items():
        enter_scores(participant=people[code], entries=own, by=by)
    return len(reads)


def _entry(read: Read, people: Mapping[str, Participant], *, by: User) -> ScoreEntry | Reason:
    person = people.get(read.participant)
    if person is None or not may(by, Action.ENTER_CLINICAL, site=person.site):
        sentence = f"You may enter no reads of {read.participant}, or there is no such participant."
        return Reason("read_participant", sentence, "reads")
    return entry_of(read, low=LOWEST, high=HIGHEST)


def _keep(participant: Participant, entries: Sequence[ScoreEntry], *, by: User) -> list[IndexScore]:
    kept = {_place(row): row for row in IndexScore.objects.filter(participant=participant)}
    new: dict[Place, IndexScore] = {}
    for entry in entries:
        place = _place(entry)
        row = kept.get(place) or new.get(place)
        if row is None:
            new[place] = _row(participant, entry, by=by)
        elif _said(row) != _said(entry):
            raise Refused(Reason("score_differs", f"{row} is kept already with another score."))
    IndexScore.objects.bulk_create(new.values())
    found = kept | new
    return [found[_place(entry)] for entry in entries]


Place = tuple[str, str, str, str, str]


def _place(one: IndexScore | ScoreEntry) -> Place:
    return one.reader, one.arm, str(one.condition), str(one.unit), one.unit_id


def _said(one: IndexScore | ScoreEntry) -> tuple[float | None, str, bool]:
    return one.score, one.call, one.indeterminate


def _row(participant: Participant, entry: ScoreEntry, *, by: User) -> IndexScore:
    return IndexScore(participant=participant, **vars(entry), entered_at=clock.now(), entered_by=by)
