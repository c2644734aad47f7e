"""Maps of how much each voxel of a training case matters: body, organs, lesions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]


def organ_weights(
    labels: NDArray[np.integer], weights: Mapping[int, float], elsewhere: float = 1.0
) -> Array:
    """Return the weight of each voxel by its organ label.

    Raises
    ------
    ValueError
        When a weight is negative or not finite.
    """
    values = np.array([elsewhere, *weights.values()])
    if not np.all(np.isfinite(values)) or np.any(values < 0):
        raise ValueError("Organ weights are finite and not negative.")
    result = np.full(labels.shape, elsewhere, dtype=np.float32)
    for label, weight in weights.items():
        result[labels == label] = weight
    return result


def lesion_weights(lesions: NDArray[np.integer], spacing_mm: tuple[float, ...]) -> Array:
    """Return weights by which every numbered lesion counts the same in total, large or small.

    Each lesion's voxels share one millilitre: a lesion of 0.5 ml has weight 2 in each voxel, one of
    8 ml weight 1/8. Outside lesions the weight is zero.
    """
    voxel_ml = float(np.prod(spacing_mm)) / 1000
    counts = np.bincount(lesions.ravel())
    share = np.zeros(len(counts), dtype=np.float32)
    present = counts > 0
    share[present] = 1 / (counts[present] * voxel_ml)
    share[0] = 0
    return share[lesions]


def band_around(lesions: Mask, spacing_mm: tuple[float, ...], width_mm: float) -> Mask:
    """Return the voxels outside lesions but within a width of one: where spill-out lies."""
    if not lesions.any():
        return np.zeros_like(lesions)
    distance = _distance(~lesions, spacing_mm)
    return (distance > 0) & (distance <= width_mm)


def _distance(outside: Mask, spacing_mm: tuple[float, ...]) -> NDArray[np.float64]:
    from_lesion: NDArray[np.float64] = ndimage.distance_transform_edt(outside, sampling=spacing_mm)
    return from_lesion
