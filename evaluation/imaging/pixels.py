"""What can be wrong with the values of a series that reads well."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

_FEWEST_AT_TOP = 20
_PEAK_OVER_MEAN = 3.0


@dataclass(frozen=True, eq=False)
class Plane:
    """What is kept of a slice in place of its values: how it is, and what a preview shows of it.

    `middle` is the middle row [x], `highest` the highest value of each column [x].
    """

    facts: "PixelFacts"
    middle: np.ndarray
    highest: np.ndarray


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
    return added(_facts_of_plane(plane) for plane in values)


def added(facts: Iterable[PixelFacts]) -> PixelFacts:
    """Return the facts of all slices together."""
    many = list(facts)
    return PixelFacts(
        sum(one.not_finite for one in many),
        sum(one.empty_slices for one in many),
        sum(one.saturated_slices for one in many),
    )


def plane_of(values: np.ndarray) -> Plane:
    """Return what is kept of a slice [y, x] whose values are not.

    The parts for a preview are copies, so that the values themselves can go.
    """
    middle = values[values.shape[0] // 2].copy()
    return Plane(_facts_of_plane(values), middle, values.max(axis=0))


def _facts_of_plane(plane: np.ndarray) -> PixelFacts:
    broken = plane.size - np.count_nonzero(np.isfinite(plane))
    if broken:
        return PixelFacts(int(broken), 0, 0)
    low, high = float(plane.min()), float(plane.max())
    if low == high:
        return PixelFacts(0, 1, 0)
    return PixelFacts(0, 0, int(_cut_off(plane, low, high)))


def _cut_off(plane: np.ndarray, low: float, high: float) -> bool:
    if np.count_nonzero(plane == high) < _FEWEST_AT_TOP:
        return False
    return high - low > _PEAK_OVER_MEAN * (float(plane.mean(dtype=np.float64)) - low)
