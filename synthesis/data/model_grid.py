"""The grid a model works on: axial, at the model's spacing, over the extent of the CT."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from evaluation.imaging import Grid, Volume
from synthesis.config import DomainConfig

Array = NDArray[np.float32]
AIR_HU = -1000.0
BODY_HU = -500.0
BODY_MR = 100.0  # a tenth of the reference tissue's signal
TILT_TOLERANCE = 0.02  # sine of about one degree


class NotAxialError(ValueError):
    """The slices are tilted or not axial."""


def to_axial(volume: Volume) -> Volume:
    """Return the volume with index axes along left, back and head, by flipping only.

    Raises
    ------
    NotAxialError
        When an axis does not lie along a patient axis.
    """
    direction = np.asarray(volume.grid.direction)
    signs = np.sign(np.diag(direction))
    if np.abs(direction - np.diag(signs)).max() > TILT_TOLERANCE or np.any(signs == 0):
        raise NotAxialError("The slices are not axial.")
    flips = tuple(int(s) for s in np.where(signs[::-1] < 0, -1, 1))  # z, y, x
    array = volume.array[:: flips[0], :: flips[1], :: flips[2]]
    last = [n - 1 if f < 0 else 0 for n, f in zip(volume.grid.shape, flips, strict=True)]
    corner = volume.grid.affine() @ np.array([last[2], last[1], last[0], 1.0])
    origin = (float(corner[0]), float(corner[1]), float(corner[2]))
    return Volume(array, Grid(volume.grid.shape, volume.grid.spacing_mm, origin), volume.unit)


def model_grid(grid: Grid, config: DomainConfig) -> Grid:
    """Return the grid of the model over the extent of an axial grid, centred on it."""
    shape, origin = [], []
    for n, spacing, start, wanted in zip(
        grid.shape, grid.spacing_mm, reversed(grid.origin_mm), config.spacing_zyx_mm, strict=True
    ):
        count = max(1, round(n * spacing / wanted))
        centre = start + spacing * (n - 1) / 2
        shape.append(count)
        origin.append(centre - wanted * (count - 1) / 2)
    return Grid(
        (shape[0], shape[1], shape[2]), config.spacing_zyx_mm, (origin[2], origin[1], origin[0])
    )


def smooth_resample(volume: Volume, grid: Grid) -> Volume:
    """Return an axial volume on an axial grid through a triangle filter as wide as the coarser step.

    Unlike point sampling this neither aliases when the CT is finer nor stops being linear
    interpolation when it is coarser.
    """
    values = volume.array.astype(np.float32, copy=False)
    for axis in (2, 1, 0):
        weights = _weights(volume.grid, grid, axis)
        values = np.moveaxis(np.tensordot(values, weights, axes=([axis], [1])), -1, axis)
    return Volume(np.ascontiguousarray(values, dtype=np.float32), grid, volume.unit)


def _weights(source: Grid, target: Grid, axis: int) -> Array:
    """Return the weights (target voxels, source voxels) of one array axis."""
    step, wanted = source.spacing_mm[axis], target.spacing_mm[axis]
    at = target.origin_mm[2 - axis] + wanted * np.arange(target.shape[axis])
    places = source.origin_mm[2 - axis] + step * np.arange(source.shape[axis])
    at = np.clip(at, places[0], places[-1])
    weights = np.maximum(1 - np.abs(at[:, None] - places[None, :]) / max(step, wanted), 0)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def body_mask(hu: Array, threshold: float = BODY_HU) -> NDArray[np.bool_]:
    """Return the voxels inside the body of a CT on the model's grid (holes filled per slice).

    Of standardised MR `BODY_MR` is the threshold: air gives no signal but noise.
    """
    mask = np.zeros(hu.shape, dtype=np.bool_)
    for index, plane in enumerate(hu):
        # Opening cuts the couch from the body; the largest part is the body.
        parts, count = ndimage.label(ndimage.binary_opening(plane > threshold, iterations=2))
        if count:
            sizes = np.bincount(parts.ravel())[1:]
            mask[index] = ndimage.binary_fill_holes(parts == 1 + int(np.argmax(sizes)))
    return mask
