"""A simulated participant painted again without a lesion, or with one more: nothing else differs.

The anatomy, the noise of CT and PET, and every other focus come from streams of their own, so two
versions of a participant differ at the lesion alone.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from synthesis.config import DomainConfig
from synthesis.data.findings import Lesion
from synthesis.data.frame import Body, Point, in_lung
from synthesis.data.pairs import PairCase, make_pair_case
from synthesis.data.participant import PhantomParticipant, draw_participant
from synthesis.data.sources import PhantomSource

TRIES = 4000
CLEARANCE_MM = 15.0
ROOM = 0.8  # of the radius between the lesion's centre and the lung's wall


def without_lesions(source: PhantomSource, participant: str, domain: DomainConfig) -> PairCase:
    """Return the participant without any lung lesion; nodes and distant sites stay."""
    person = draw_participant(int(participant))
    return _case(source, replace(person, lesions=()), domain)


def with_one_more(
    source: PhantomSource, participant: str, domain: DomainConfig
) -> tuple[PairCase, str] | None:
    """Return the participant with their first lesion a second time, elsewhere; and its name.

    None where the lungs have no room for it.
    """
    person = draw_participant(int(participant))
    place = _free_place(person)
    if place is None:
        return None
    first = person.lesions[0]
    name = str(len(person.lesions) + 1)
    more = replace(first, unit_id=name, centre_mm=place)
    case = _case(source, replace(person, lesions=(*person.lesions, more)), domain)
    return case, f"lesion:{name}"


def _case(source: PhantomSource, person: PhantomParticipant, domain: DomainConfig) -> PairCase:
    return make_pair_case(source.painted(str(person.seed), person), domain)


def _free_place(person: PhantomParticipant) -> Point | None:
    """Return a place in a lung, clear of the lesions that are there."""
    rng = np.random.default_rng([person.seed, 909])
    size = person.lesions[0].diameter_mm
    for _ in range(TRIES):
        point = _somewhere(person.body, rng)
        if in_lung(person.body, point, ROOM * size / 2) and _clear(point, size, person.lesions):
            return point
    return None


def _somewhere(body: Body, rng: np.random.Generator) -> Point:
    reach = body.thorax_half_width_mm
    low, high = (-reach, -80.0, -20.0), (reach, 80.0, body.lung_length_mm)
    x, y, z = (float(v) for v in rng.uniform(low, high))
    return x, y, z


def _clear(point: Point, size: float, others: tuple[Lesion, ...]) -> bool:
    distances = [float(np.linalg.norm(np.subtract(point, o.centre_mm))) for o in others]
    return all(
        d > (size + o.diameter_mm) / 2 + CLEARANCE_MM
        for d, o in zip(distances, others, strict=True)
    )
