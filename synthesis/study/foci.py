"""What a PET shows at foci, and in lungs where nothing is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from synthesis.data.pairs import PairCase
from synthesis.study.records import Focus, Strays

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]
LUNGS = ("organ:lung_left", "organ:lung_right")
MARGIN_VOXELS = 2  # round a stray focus: acquired uptake this near explains it


def focus_rows(case: PairCase, predictor: str, suv: Array) -> list[Focus]:
    """Return acquired and synthetic SUVmax of every focus, inside its own mask."""
    rows = []
    for number, (name, flag) in enumerate(
        zip(case.focus_names, case.malignant, strict=True), start=1
    ):
        inside = case.foci == number
        if inside.any():
            acquired = float(case.suv[inside].max())
            rows.append(
                Focus(case.participant, predictor, name, flag, acquired, float(suv[inside].max()))
            )
    return rows


def stray_foci(case: PairCase, predictor: str, suv: Array, focus_suv: float) -> Strays:
    """Count connected parts of the lungs with synthetic uptake where the acquired PET has none.

    A part counts when a voxel reaches the threshold and no voxel of the acquired PET within two
    voxels does; the lungs are outlined clear of their edges and of every focus.
    """
    lungs = lung_mask(case)
    acquired = ndimage.maximum_filter(case.suv.astype(np.float32), size=2 * MARGIN_VOXELS + 1)
    strange = lungs & (suv >= focus_suv) & (acquired < focus_suv)
    _, count = ndimage.label(strange, structure=np.ones((3, 3, 3)))
    volume = float(lungs.sum() * case.grid.voxel_volume_ml)
    return Strays(case.participant, predictor, int(count), volume)


def lung_mask(case: PairCase) -> Mask:
    """Return both lungs as outlined; empty where they are not."""
    if case.organs is None:
        return np.zeros(case.hu.shape, dtype=np.bool_)
    numbers = [n for n, name in enumerate(case.organ_names, start=1) if name in LUNGS]
    return np.isin(case.organs, numbers)


def highest(suv: NDArray[np.floating], where: Mask) -> float:
    """Return the SUVmax inside a mask."""
    return float(suv[where].max())
