"""Reading sessions of the demonstration: one that simulated readers have read, one that waits for the newcomer.

Simulated readers have known operating points: their scores come from two normal distributions whose distance is
d′, cut at fixed criteria, with a share of the noise in common for a case, so that readers agree as readers do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from studyportal.clinical.rules import ReferenceStatus, TargetCondition, Unit
from studyportal.clinical.selectors import reference_of
from studyportal.core.models import User
from studyportal.core.selectors import user_named
from studyportal.outcomes.services import open_reading_session
from studyportal.reading.rules import Design, Scale, units_of
from studyportal.reading.selectors import (
    design_of,
    next_reads,
    readers_of,
    session_named,
    unprepared_cases,
)
from studyportal.reading.services import (
    close_session,
    drawn_lesions,
    prepare_case,
    start_read,
    submit_read,
)
from studyportal.sites.rules import Role
from studyportal.sites.services import give_role

if TYPE_CHECKING:
    from studyportal.reading.models import Read, ReadingSession

READ, WAITING = "Demonstration reading", "Waiting for you"
SEED, READERS = 20261126, 4
# Distance of the score distributions of diseased and healthy units, by arm; AUC = Φ(d′ / √2).
D_PRIME: Mapping[str, float] = {"ct": 1.0, "ct_spet": 1.5, "ct_pet": 2.0}
IN_COMMON = 0.4  # share of the variance that readers of one case share
_CRITERIA = (-0.5, 0.3, 1.0, 1.6)
_CUT_OFF = 1.0


@dataclass(frozen=True)
class People:
    """Who opens the sessions, and who is to read the second one."""

    manager: User
    newcomer: User


def demonstrate(
    *, design: str, cases: int, people: People
) -> tuple[ReadingSession, ReadingSession]:
    """Both sessions are there, with as many cases as the cohort has ready; run again, nothing changes."""
    text = small_design(design, cases=cases)
    read = session_named(READ)
    if read is None:
        readers = [_reader(number) for number in range(1, READERS + 1)]
        read = open_reading_session(name=READ, design_text=text, readers=readers, by=people.manager)
        _prepare(read)
        _read_all(read)
        close_session(session=read, by=people.manager)
    waiting = session_named(WAITING)
    if waiting is None:
        waiting = open_reading_session(
            name=WAITING, design_text=text, readers=[people.newcomer], by=people.manager
        )
        _prepare(waiting)
    return read, waiting


def small_design(design: str, *, cases: int) -> str:
    """The packaged design without what a demonstration of an hour cannot have: wash-out, repeats, enrichment."""
    changes = (
        ("washout_days = 28", "washout_days = 0"),
        ("repeats = 4", f"repeats = {min(2, cases)}"),
        ("cases = 20", f"cases = {cases}"),
        ("practice = 2", "practice = 0"),
        ("positive_share = 0.5      # leave out for cases as they come\n", ""),
        ('condition = "nodal_metastasis"\nunit = "participant"\n\n[[arm]]', "\n[[arm]]"),
    )
    for old, new in changes:
        design = design.replace(old, new, 1)
    return design


def simulated_answers(read: Read, *, truth: Mapping[tuple[str, str, str], bool]) -> dict[str, str]:
    """The answers of a simulated reader to one read, the same whenever it is asked."""
    design = design_of(read.reader.session)
    reach = D_PRIME.get(read.arm.code, 1.0)
    fields: dict[str, str] = {}
    for question in design.questions:
        for unit_id in units_of(question, drawn_lesions(read, {})):
            diseased = truth.get((question.condition, question.unit, unit_id), False)
            latent = _noise(read, question.condition or question.id, unit_id)
            fields[f"q.{question.id}.{unit_id}"] = _word(
                question.scale, latent + (reach if diseased else 0.0)
            )
    return fields


def _word(scale: Scale, latent: float) -> str:
    if scale == Scale.FIVE:
        return str(1 + int(np.searchsorted(_CRITERIA, latent)))
    if scale == Scale.HUNDRED:
        return str(round(100 / (1 + np.exp(-1.7 * (latent - _CUT_OFF)))))
    if scale == Scale.SITES:
        return "none"
    return "yes" if latent >= _CUT_OFF + 0.5 else "no"


def _noise(read: Read, topic: str, unit_id: str) -> float:
    """Standard normal, in part the same for all readers of the case."""
    case = read.case.pair.participant.code
    shared = _normal(f"{case}/{topic}/{unit_id}")
    own = _normal(f"{case}/{topic}/{unit_id}/{read.reader.code}/{read.arm.code}/{read.kind}")
    return float(np.sqrt(IN_COMMON) * shared + np.sqrt(1 - IN_COMMON) * own)


def _normal(words: str) -> float:
    digest = hashlib.sha256(words.encode()).digest()
    seed = int.from_bytes(digest[:8], "big")
    return float(np.random.default_rng([SEED, seed]).standard_normal())


def _reader(number: int) -> User:
    name = f"simulated-reader-{number}"
    user = user_named(name) or User.objects.create_user(
        username=name, password=None, display_name=f"Simulated reader {number}"
    )
    give_role(user=user, role=Role.READER, site=None, by=None)
    return user


def _prepare(session: ReadingSession) -> None:
    for case in unprepared_cases(session):
        prepare_case(case=case)


def _read_all(session: ReadingSession) -> None:
    for part in readers_of(session):
        while waiting := next_reads(part):
            read = start_read(read=waiting[0], by=part.person)
            fields = simulated_answers(read, truth=_truth(read, design_of(session)))
            submit_read(read=read, fields=fields, based_on=read.draft_version, by=part.person)


def _truth(read: Read, design: Design) -> dict[tuple[str, str, str], bool]:
    rows = reference_of(read.case.pair.participant)
    asked = {question.condition for question in design.questions}
    found = {
        (row.condition, row.unit, row.unit_id): row.status == ReferenceStatus.POSITIVE
        for row in rows
        if row.condition in asked
    }
    nodal = TargetCondition.NODAL_METASTASIS
    stations = [found[key] for key in found if key[:2] == (nodal, Unit.STATION)]
    if stations:
        found.setdefault((nodal, Unit.PARTICIPANT, ""), any(stations))
    return found
