"""Opens a session: cases are drawn, readers allocated, the allocation proved, all in one transaction."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from django.db import transaction

from studyportal.clinical.rules import ReferenceStatus
from studyportal.clinical.selectors import every_reference
from studyportal.core import clock
from studyportal.core.errors import Reason, Refused, refuse_if
from studyportal.core.models import User
from studyportal.core.services import begin, record
from studyportal.imaging.selectors import accepted_series, ready_pairs
from studyportal.imaging.states import SeriesRole
from studyportal.participants.selectors import removed_ids
from studyportal.protocol.selectors import active_version
from studyportal.reading.models import (
    Read,
    ReadingArm,
    ReadingCase,
    ReadingSession,
    SessionReader,
)
from studyportal.reading.rules import (
    Candidate,
    CaseEntry,
    Cases,
    Design,
    DesignRefused,
    Drawn,
    Property,
    Sampling,
    Slot,
    TooFew,
    allocate,
    allocation_digest,
    digest_of,
    draw_cases,
    parse_design,
    prove,
)
from studyportal.reading.selectors import design_of, sees_too_much, session_named
from studyportal.reading.services.guarding import require_running
from studyportal.reading.states import (
    READ,
    READING_SESSION,
    Layer,
    ReaderPart,
    ReadKind,
    ReadStatus,
    SessionStatus,
)
from studyportal.sites.rules import Action
from studyportal.sites.selectors import may
from studyportal.syntheses.selectors import current_primary, usable_series

if TYPE_CHECKING:
    from uuid import UUID

    from studyportal.imaging.models import ImagingSeries, ScanPair
    from studyportal.syntheses.models import ModelRelease, SyntheticSeries

# Letters and digits that nobody takes for each other.
_ALPHABET = "ACDEFHJKLMNPQRTUVWXY3479"
_CODE_LENGTH = 6


@transaction.atomic
def open_session(
    *,
    name: str,
    design_text: str,
    readers: Sequence[User],
    adjudicator: User | None = None,
    by: User,
) -> ReadingSession:
    """The session is open: its cases are fixed, every reader has the own reads, and the proof is kept.

    Raises
    ------
    Refused
        With every reason: the design, too few cases or readers, a reader who could not read blinded.
    """
    require_running(by)
    design = _design(design_text)
    _refuse_people(name, readers, adjudicator, design)
    pool = _Pool(design)
    drawn = _drawn(pool.candidates, design)
    cases = _entries(drawn, design, pool)
    codes = {f"R{number:02}": reader for number, reader in enumerate(_mixed(readers), start=1)}
    slots = allocate(design=design, readers=list(codes), cases=cases)
    proof = prove(slots, design=design, cases=cases)
    session = _session(name, design_text, proof=proof, slots=slots, pool=pool, by=by)
    rows = _cases(session, cases, pool, design)
    _reads(session, slots, rows, codes)
    if adjudicator is not None:
        SessionReader.objects.create(
            session=session, person=adjudicator, code="A01", part=ReaderPart.ADJUDICATOR
        )
    sentence = (
        f"Reading session {session} was opened: {len(cases.study)} cases, {len(codes)} readers."
    )
    record("open_session", session, sentence, by=by)
    return session


def new_code() -> str:
    """A case code that no read has yet and that tells nothing."""
    while True:
        code = "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_LENGTH))
        if not Read.objects.filter(code=code).exists():
            return code


def _design(text: str) -> Design:
    try:
        return parse_design(text)
    except DesignRefused as refused:
        raise Refused(*(Reason("design", fault, "design") for fault in refused.faults)) from refused


def _refuse_people(
    name: str, readers: Sequence[User], adjudicator: User | None, design: Design
) -> None:
    people = [*readers, *([adjudicator] if adjudicator else [])]
    reasons = []
    if not name.strip() or session_named(name.strip()):
        sentence = "Give the session a name that no other session has."
        reasons.append(Reason("name_taken", sentence, "name"))
    if len(readers) < design.groups or not readers:
        reasons.append(Reason("few_readers", "There are too few readers.", "readers"))
    if len({person.pk for person in people}) != len(people):
        sentence = (
            "Nobody is in a session twice; the adjudicator is somebody else than the readers."
        )
        reasons.append(Reason("twice", sentence, "readers"))
    for person in people:
        if not may(person, Action.READ_CASES) or sees_too_much(person):
            sentence = (
                f"{person.username} cannot read blinded: only the role of a reader may be held."
            )
            reasons.append(Reason("not_blind", sentence, "readers"))
    refuse_if(reasons)


class _Pool:
    """The pairs that have every image that the arms show, with what is known of them."""

    def __init__(self, design: Design) -> None:
        self.release: ModelRelease | None = None
        synthetic: dict[UUID, SyntheticSeries] = {}
        if Layer.SYNTHETIC in design.layers:
            self.release, synthetic = _synthetics()
        self.synthetic = synthetic
        self.pairs: dict[str, ScanPair] = {
            str(pair.pk): pair
            for pair in ready_pairs().exclude(participant__in=removed_ids())
            if Layer.SYNTHETIC not in design.layers or pair.pk in synthetic
        }
        self.by_participant = {pair.participant.code: key for key, pair in self.pairs.items()}
        statuses = _reference(design.sampling)
        set_apart = {one.participant for one in design.attention}
        self.candidates = [
            Candidate(key, pair.participant.site.code, statuses.get(pair.participant_id))
            for key, pair in self.pairs.items()
            if pair.participant.code not in set_apart
        ]


def _synthetics() -> tuple[ModelRelease, dict[UUID, SyntheticSeries]]:
    primary = current_primary()
    if primary is None:
        sentence = "No release is named for the primary analysis, so no synthetic PET can be read."
        raise Refused(Reason("no_primary", sentence))
    rows = usable_series(primary.release, seed=primary.seed)
    return primary.release, {row.job.pair_id: row for row in rows}


def _reference(sampling: Sampling) -> Mapping[UUID, bool]:
    """Participant → positive or negative; positive where one unit is, and nothing where it is open."""
    if sampling.positive_share is None:
        return {}
    found: dict[UUID, bool] = {}
    rows = every_reference().filter(condition=sampling.condition, unit=sampling.unit)
    for row in rows.exclude(status=ReferenceStatus.INDETERMINATE):
        positive = row.status == ReferenceStatus.POSITIVE
        found[row.participant_id] = found.get(row.participant_id, False) or positive
    return found


def _drawn(candidates: Sequence[Candidate], design: Design) -> Drawn:
    try:
        return draw_cases(candidates, sampling=design.sampling, seed=design.seed)
    except TooFew as few:
        raise Refused(Reason("few_cases", str(few), "design")) from few


def _entries(drawn: Drawn, design: Design, pool: _Pool) -> Cases:
    missing = [one.participant for one in design.attention if one.participant not in pool.by_participant]  # fmt: skip
    refuse_if(
        [
            Reason("attention_missing", f"Attention case {code} is not ready to be read.", "design")
            for code in sorted(set(missing))
        ]
    )
    attention = sorted({pool.by_participant[one.participant] for one in design.attention})
    return Cases(
        study=tuple(CaseEntry(one.key, _stratum(one)) for one in drawn.study),
        practice=tuple(CaseEntry(one.key, "practice") for one in drawn.practice),
        attention=tuple(CaseEntry(key, "attention") for key in attention),
    )


def _stratum(case: Candidate) -> str:
    words = {True: "positive", False: "negative", None: "any"}
    return f"{case.site}/{words[case.positive]}"


def _mixed(readers: Sequence[User]) -> list[User]:
    """The readers in an order that their codes do not tell."""
    rows = sorted(readers, key=lambda one: one.pk)
    return [rows.pop(secrets.randbelow(len(rows))) for _ in range(len(rows))]


def _session(
    name: str, text: str, *, proof: Sequence[Property], slots: Sequence[Slot], pool: _Pool, by: User
) -> ReadingSession:
    refuse_if([Reason("not_proved", one.sentence) for one in proof if not one.holds])
    session = ReadingSession.objects.create(
        name=name.strip(),
        status=SessionStatus.INDEPENDENT,
        protocol_version=active_version(),
        release=pool.release,
        design_text=text,
        design_digest=digest_of(text),
        allocation_sha256=allocation_digest(slots),
        proof=[
            {"id": one.id, "sentence": one.sentence, "holds": one.holds, "figures": one.figures}
            for one in proof
        ],
        candidates=len(pool.candidates),
        opened_at=clock.now(),
        opened_by=by,
    )
    begin(session, READING_SESSION, by=by)
    return session


def _cases(
    session: ReadingSession, cases: Cases, pool: _Pool, design: Design
) -> dict[str, ReadingCase]:
    rows: dict[str, ReadingCase] = {}
    purposes = (
        (cases.study, ReadKind.INDEPENDENT),
        (cases.practice, ReadKind.PRACTICE),
        (cases.attention, ReadKind.ATTENTION),
    )
    for entries, purpose in purposes:
        for entry in entries:
            pair = pool.pairs[entry.key]
            rows[entry.key] = ReadingCase.objects.create(
                session=session,
                pair=pair,
                purpose=purpose,
                stratum=entry.stratum,
                source=_source(pair),
                reference=accepted_series(pair, SeriesRole.REFERENCE),
                synthetic=pool.synthetic.get(pair.pk),
                expected=[
                    {"question": one.question, "unit_id": one.unit_id, "expected": one.expected}
                    for one in design.attention
                    if one.participant == pair.participant.code
                ],
            )
    return rows


def _source(pair: ScanPair) -> ImagingSeries:
    series = accepted_series(pair, SeriesRole.SOURCE)
    if series is None:
        sentence = f"{pair.participant.code} has no accepted CT, so it cannot be read."
        raise Refused(Reason("no_ct", sentence, "design"))
    return series


def _reads(
    session: ReadingSession,
    slots: Sequence[Slot],
    cases: Mapping[str, ReadingCase],
    codes: Mapping[str, User],
) -> None:
    groups = {slot.reader: slot.group for slot in slots}
    parts = {
        code: SessionReader.objects.create(
            session=session, person=person, code=code, part=ReaderPart.READER, group=groups[code]
        )
        for code, person in codes.items()
    }
    arms = {
        arm.code: ReadingArm.objects.create(session=session, code=arm.code, place=place)
        for place, arm in enumerate(design_of(session).arms)
    }
    for slot in slots:
        read = Read.objects.create(
            reader=parts[slot.reader],
            case=cases[slot.case],
            arm=arms[slot.arm],
            status=ReadStatus.ASSIGNED,
            kind=slot.kind,
            code=new_code(),
            period=slot.period,
            block=slot.block,
            place=slot.place,
        )
        begin(read, READ, by=session.opened_by)
