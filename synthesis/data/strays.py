"""Uptake that a synthetic PET shows in lungs where the acquired one has none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from synthesis.data.ct_look import LUNG_HU
from synthesis.data.pairs import PairCase

Mask = NDArray[np.bool_]
OUTLINES = ("organ:lung_left", "organ:lung_right")
MARGIN_VOXELS = 2  # round a stray focus: acquired uptake this near explains it


@dataclass(frozen=True, slots=True)
class StrayFoci:
    """How many stray foci the lungs of one participant show, and the volume that was searched."""

    count: int
    lung_ml: float


def stray_foci_of(case: PairCase, suv: NDArray[np.floating], focus_suv: float) -> StrayFoci:
    """Count connected parts of the lungs with synthetic uptake where the acquired PET has none.

    A part counts when a voxel reaches the threshold (SUV, g/ml) and no voxel of the acquired PET
    within two voxels does. Neither the edges of the lungs nor any focus are searched.
    """
    lungs = lungs_of(case)
    acquired = ndimage.maximum_filter(case.suv.astype(np.float32), size=2 * MARGIN_VOXELS + 1)
    strange = lungs & (suv >= focus_suv) & (acquired < focus_suv)
    _, count = ndimage.label(strange, structure=np.ones((3, 3, 3)))
    return StrayFoci(int(count), float(lungs.sum() * case.grid.voxel_volume_ml))


def lungs_of(case: PairCase) -> Mask:
    """Return both lungs, clear of their edges and of every focus; empty where there are none.

    As outlined; else the voxels inside the body with the density of aerated lung in CT.
    """
    numbers = [n for n, name in enumerate(case.organ_names, start=1) if name in OUTLINES]
    if case.organs is not None and numbers:
        return np.isin(case.organs, numbers)
    low, high = LUNG_HU
    aerated = case.body & (case.hu > low) & (case.hu < high)
    near = ndimage.binary_dilation(case.foci > 0, iterations=MARGIN_VOXELS)
    return ndimage.binary_erosion(aerated) & ~near
