"""One participant's CT and PET with lesions, wherever they come from; and on a model's grid."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from evaluation.imaging import Grid, Volume, overlap, resample
from synthesis.config import DomainConfig
from synthesis.data.model_grid import (
    AIR_HU,
    BODY_HU,
    BODY_MR,
    body_mask,
    model_grid,
    smooth_resample,
)

MOST_FOCI = 255
Voxel = TypeVar("Voxel", bound=np.generic)


class PairRefusedError(ValueError):
    """A participant's images cannot be learned from; the sentence says whose and why."""


@dataclass(frozen=True, slots=True)
class Pair:
    """CT in HU and PET in SUVbw, both with axes along the patient's.

    Attributes
    ----------
    ct
        The source. MR stands here too, in thousandths of its reference tissue's signal.
    foci
        On the PET's grid: 0 outside, else 1 plus the index in `focus_names`.
    organs
        Like `foci`, with `organ_names`; None where no organ is outlined.
    malignant
        Of each focus; None where the reference standard is not known.
    demographics
        Height in m, weight in kg, male (0 or 1), age in years; None where one is not known.
    """

    participant: str
    ct: Volume
    pet: Volume
    foci: NDArray[np.uint8]
    focus_names: tuple[str, ...]
    malignant: tuple[bool | None, ...]
    kvp: float | None = None
    demographics: tuple[float, float, float, float] | None = None
    organs: NDArray[np.uint8] | None = None
    organ_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PairCase:
    """A pair on the model's grid; arrays are [z, y, x]."""

    participant: str
    hu: NDArray[np.int16]
    suv: NDArray[np.float16]
    body: NDArray[np.bool_]
    foci: NDArray[np.uint8]
    focus_names: tuple[str, ...]
    malignant: tuple[bool | None, ...]
    kvp: float | None
    demographics: tuple[float, float, float, float] | None
    grid: Grid
    organs: NDArray[np.uint8] | None = None
    organ_names: tuple[str, ...] = ()


def make_pair_case(pair: Pair, domain: DomainConfig) -> PairCase:
    """Return a pair on the model's grid, by physical position, where CT and PET both reach.

    Raises
    ------
    PairRefusedError
        When they do not overlap, or no body is found in the CT.
    """
    whole = model_grid(pair.ct.grid, domain)
    try:
        grid = whole.crop(overlap(whole, pair.pet.grid))
    except ValueError as error:
        raise PairRefusedError(f"CT and PET of {pair.participant} do not fit: {error}.") from error
    hu = smooth_resample(pair.ct, grid).array
    mr = domain.source == "mr"
    body = body_mask(hu, BODY_MR if mr else BODY_HU)
    if not body.any():
        kind = "MR" if mr else "CT"
        raise PairRefusedError(f"The {kind} of {pair.participant} shows no body in air.")

    def placed(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        volume = Volume(labels, pair.pet.grid, "mask")
        return resample(volume, grid, outside=0, order="nearest").array

    return PairCase(
        participant=pair.participant,
        hu=np.clip(np.rint(hu), -1024, 32767).astype(np.int16),
        suv=resample(pair.pet, grid, outside=0.0).array.astype(np.float16),
        body=body,
        foci=placed(pair.foci),
        focus_names=pair.focus_names,
        malignant=pair.malignant,
        kvp=pair.kvp,
        demographics=pair.demographics,
        grid=grid,
        organs=None if pair.organs is None else placed(pair.organs),
        organ_names=pair.organ_names,
    )


def fit_to(case: PairCase, shape: tuple[int, ...]) -> PairCase:
    """Return the case cut and padded with air to a shape, centred on its body."""
    box = [np.flatnonzero(case.body.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    starts = [int(places[0] + places[-1] + 1) // 2 - n // 2 for places, n in zip(box, shape, strict=True)]  # fmt: skip
    corner = case.grid.affine() @ np.array([starts[2], starts[1], starts[0], 1.0])
    origin = (float(corner[0]), float(corner[1]), float(corner[2]))
    grid = Grid((shape[0], shape[1], shape[2]), case.grid.spacing_mm, origin)
    return PairCase(
        participant=case.participant, focus_names=case.focus_names, malignant=case.malignant,
        kvp=case.kvp, demographics=case.demographics, grid=grid,
        hu=_window(case.hu, starts, shape, int(AIR_HU)),
        suv=_window(case.suv, starts, shape, 0),
        body=_window(case.body, starts, shape, 0),
        foci=_window(case.foci, starts, shape, 0),
        organs=None if case.organs is None else _window(case.organs, starts, shape, 0),
        organ_names=case.organ_names,
    )  # fmt: skip


def _window(
    array: NDArray[Voxel], starts: Sequence[int], shape: Sequence[int], outside: int
) -> NDArray[Voxel]:
    result = np.full(tuple(shape), outside, dtype=array.dtype)
    there, here = [], []
    for start, n, length in zip(starts, shape, array.shape, strict=True):
        low, high = max(start, 0), min(start + n, length)
        there.append(slice(low, max(low, high)))
        here.append(slice(low - start, max(low, high) - start))
    result[tuple(here)] = array[tuple(there)]
    return result


def foci_of(
    named: Sequence[tuple[str, NDArray[np.bool_]]], shape: tuple[int, ...]
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Return numbered foci and their names; a later one takes a voxel that two share."""
    if len(named) > MOST_FOCI:
        raise PairRefusedError(f"There are {len(named)} foci; at most {MOST_FOCI} can be numbered.")
    foci = np.zeros(shape, dtype=np.uint8)
    for number, (_, mask) in enumerate(named, start=1):
        foci[mask] = number
    return foci, tuple(name for name, _ in named)


def store_case(case: PairCase, path: Path) -> None:
    """Write a case as one file without executable content; complete or absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Of this process: several may prepare the same images, each whole.
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial.npz")
    known = [-1 if flag is None else int(flag) for flag in case.malignant]
    np.savez(
        partial,
        participant=case.participant, hu=case.hu, suv=case.suv, body=case.body, foci=case.foci,
        focus_names=np.array(case.focus_names, dtype=np.str_), malignant=np.array(known, np.int8),
        kvp=np.nan if case.kvp is None else case.kvp,
        demographics=np.array(case.demographics or (np.nan,) * 4),
        organs=np.zeros(0, np.uint8) if case.organs is None else case.organs,
        organ_names=np.array(case.organ_names, dtype=np.str_),
        spacing=case.grid.spacing_mm, origin=case.grid.origin_mm,
    )  # fmt: skip
    partial.replace(path)


def load_case(path: Path) -> PairCase:
    """Return a stored case."""
    with np.load(path, allow_pickle=False) as stored:
        hu = stored["hu"]
        z, y, x = (float(v) for v in stored["spacing"])
        a, b, c = (float(v) for v in stored["origin"])
        height, weight, male, age = (float(v) for v in stored["demographics"])
        kvp = float(stored["kvp"])
        return PairCase(
            participant=str(stored["participant"]),
            hu=hu,
            suv=stored["suv"],
            body=stored["body"],
            foci=stored["foci"],
            focus_names=tuple(str(name) for name in stored["focus_names"]),
            malignant=tuple(None if f < 0 else bool(f) for f in stored["malignant"]),
            kvp=None if np.isnan(kvp) else kvp,
            demographics=None if np.isnan(height) else (height, weight, male, age),
            grid=Grid(hu.shape, (z, y, x), (a, b, c)),
            organs=stored["organs"] if stored["organs"].size else None,
            organ_names=tuple(str(name) for name in stored["organ_names"]),
        )
