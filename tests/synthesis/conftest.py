"""Simulated participants are painted once in a process: nearly every training asks for the same few."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from synthesis.data.pairs import Pair
from synthesis.data.participant import PhantomParticipant
from synthesis.data.sources import PhantomSource

MOST_VOXELS = 200_000  # of a tiny training; larger ones are few and not kept
PAINT = PhantomSource.painted
_kept: dict[tuple[object, ...], Pair] = {}


def _painted_once(self: PhantomSource, participant: str, person: PhantomParticipant) -> Pair:
    if np.prod(self._shape) > MOST_VOXELS:
        return PAINT(self, participant, person)
    # The scanner follows from the site: a participant of another cohort may have another one.
    key = (self._shape, participant, self.sites[participant], repr(person))
    if key not in _kept:
        pair = PAINT(self, participant, person)
        for array in (pair.ct.array, pair.pet.array, pair.foci, pair.organs):
            if array is not None:
                array.flags.writeable = False  # whoever changes one would change it for all
        _kept[key] = pair
    return _kept[key]


@pytest.fixture(autouse=True, scope="session")
def painted_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(PhantomSource, "painted", _painted_once)
        yield
