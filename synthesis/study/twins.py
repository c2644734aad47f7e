"""Twins beside all held-out participants: a twin is nobody, so no voxel of it has a partner."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from synthesis.data.model_grid import body_mask
from synthesis.data.pairs import PairCase
from synthesis.families import Family
from synthesis.inference.family_volume import sample_twin
from synthesis.inference.sampling import Sampling
from synthesis.study.records import TwinRow

Array = NDArray[np.float32]
# The same rule for acquired and synthetic CT, because a twin has no outlines.
TISSUES = {
    "lung": (-950.0, -500.0), "fat": (-150.0, -50.0), "soft tissue": (0.0, 120.0),
    "bone": (200.0, 2000.0),
}  # fmt: skip
WHOLE = "body"
MALE = 2  # place among height, weight, male, age


def twin_rows(
    family: Family,
    cases: Iterable[PairCase],
    sampling: Sampling,
    done: Callable[[int], None],
) -> tuple[tuple[TwinRow, ...], list[tuple[PairCase, Array]]]:
    """Return mean SUV by tissue of each participant and of one twin of the same build.

    Also the twins' PET beside the cases, for the search for copies.
    """
    rows: list[TwinRow] = []
    pets = []
    for number, case in enumerate(cases, start=1):
        if case.demographics is None:
            continue
        ct, pet = sample_twin(family, case.demographics, sampling=sampling)
        sex = "M" if case.demographics[MALE] else "F"
        acquired = uptake_by_tissue(case.hu.astype(np.float32), case.suv.astype(np.float32))
        twin = uptake_by_tissue(ct.array, pet.array)
        rows += [
            TwinRow(case.participant, sex, name, acquired[name], twin[name]) for name in acquired
        ]
        pets.append((case, pet.array))
        done(number)
    return tuple(rows), pets


def uptake_by_tissue(hu: Array, suv: Array) -> dict[str, float]:
    """Return the mean SUV of the body and of tissues by their HU; NaN where one is absent."""
    body = body_mask(hu)
    masks = {WHOLE: body}
    masks |= {name: body & (hu >= low) & (hu <= high) for name, (low, high) in TISSUES.items()}
    return {
        name: float(suv[mask].mean()) if mask.any() else float("nan")
        for name, mask in masks.items()
    }
