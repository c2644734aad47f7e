"""What can be wrong with the values of a series that reads well."""

from dataclasses import dataclass

import numpy as np

_FEWEST_AT_TOP = 20
_PEAK_OVER_MEAN = 3.0


@dataclass(frozen=True)
class PixelFacts:
    """Numbers about the values of a series, by slice and by voxel."""

    not_finite: int
    empty_slices: int
    saturated_slices: int


def pixel_facts(values: np.ndarray) -> PixelFacts:
    """Count voxels that are no number, slices of one value, and slices cut off at their top.

    A slice counts as cut off when at least 20 voxels share its highest value and that value lies more
    than three times above the slice's mean distance from its lowest value: a plateau, as clipping leaves.

    Parameters
    ----------
    values
        [z, y, x], after slope and intercept.
    """
    not_finite, empty, saturated = 0, 0, 0
    for plane in values:
        broken = int(plane.size - np.isfinite(plane).sum())
        not_finite += broken
        low, high = float(plane.min()), float(plane.max())
        if broken:
            continue
        if low == high:
            empty += 1
        elif _cut_off(plane, low, high):
            saturated += 1
    return PixelFacts(not_finite, empty, saturated)


def _cut_off(plane: np.ndarray, low: float, high: float) -> bool:
    if int((plane == high).sum()) < _FEWEST_AT_TOP:
        return False
    return high - low > _PEAK_OVER_MEAN * (float(plane.mean(dtype=np.float64)) - low)
