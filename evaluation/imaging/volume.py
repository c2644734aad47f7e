"""Voxels with their place and their unit, and the two ways to bring volumes together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import SimpleITK

from evaluation.imaging.grid import Grid

Order = Literal["linear", "nearest"]
# SimpleITK carries no types.
_itk: Any = SimpleITK
_INTERPOLATORS = {"linear": _itk.sitkLinear, "nearest": _itk.sitkNearestNeighbor}


@dataclass(frozen=True, eq=False)
class Volume:
    """An image or a mask: ``array`` [z, y, x] on ``grid``, its values in ``unit``.

    Units in use: ``SUVbw`` (and ``SUVlbm``, ``SUVbsa``, ``SUVibw``), ``HU``, ``Bq/ml``, ``mask``.
    """

    array: np.ndarray
    grid: Grid
    unit: str

    def __post_init__(self) -> None:
        """Refuse voxels that do not fit their grid."""
        if self.array.shape != self.grid.shape:
            raise ValueError(f"array {self.array.shape} does not fit grid {self.grid.shape}")

    def crop(self, slices: Sequence[slice]) -> "Volume":
        """Return the part of the volume under three slices (z, y, x)."""
        return Volume(self.array[tuple(slices)], self.grid.crop(slices), self.unit)


def to_sitk(array: np.ndarray, grid: Grid) -> Any:
    """Return a SimpleITK image of ``array`` [z, y, x] placed as ``grid`` says."""
    stored = array.astype(np.uint8) if array.dtype == np.bool_ else array
    image = _itk.GetImageFromArray(np.ascontiguousarray(stored))
    return _placed(image, grid)


def _placed(image: Any, grid: Grid) -> Any:
    image.SetSpacing([float(v) for v in grid.spacing_mm[::-1]])
    image.SetOrigin([float(v) for v in grid.origin_mm])
    image.SetDirection([float(v) for row in grid.direction for v in row])
    return image


def resample(volume: Volume, grid: Grid, *, outside: float, order: Order = "linear") -> Volume:
    """Return ``volume`` on ``grid``, with ``outside`` where ``grid`` leaves the volume.

    Parameters
    ----------
    volume
        Image or mask; masks need ``order="nearest"``.
    grid
        Target grid, in the same frame of reference.
    outside
        Value of voxels whose centre lies outside the volume: -1024 for HU, 0 for SUV and masks.
    order
        ``linear`` or ``nearest``.

    Returns
    -------
    Volume
        float32 for images, the dtype of the input for masks.

    Raises
    ------
    ValueError
        When a mask is to be interpolated linearly.
    """
    discrete = volume.array.dtype.kind in "biu"
    if discrete and order != "nearest":
        raise ValueError("a mask or label map is resampled with order='nearest'")
    if volume.grid.same_as(grid):
        return Volume(volume.array, grid, volume.unit)
    moving = to_sitk(volume.array if discrete else volume.array.astype(np.float32), volume.grid)
    sampler = _itk.ResampleImageFilter()
    sampler.SetReferenceImage(
        _placed(_itk.Image([int(v) for v in grid.shape[::-1]], _itk.sitkUInt8), grid)
    )
    sampler.SetInterpolator(_INTERPOLATORS[order])
    sampler.SetDefaultPixelValue(float(outside))
    result = _itk.GetArrayFromImage(sampler.Execute(moving))
    return Volume(result.astype(volume.array.dtype if discrete else np.float32), grid, volume.unit)


def overlap(grid: Grid, other: Grid) -> tuple[slice, slice, slice]:
    """Return the slices (z, y, x) of ``grid`` whose voxel centres lie inside ``other``.

    Inside means inside the outer faces of the voxels of ``other``.

    Raises
    ------
    ValueError
        When the grids do not overlap, or are rotated against each other.
    """
    between = np.linalg.inv(other.affine()) @ grid.affine()
    drift = np.abs(between[:3, :3] - np.diag(np.diag(between)[:3])) @ np.array(grid.shape[::-1])
    if drift.max() > 0.05:
        raise ValueError("the grids are rotated against each other; resample one first")
    spans = []
    for axis in (2, 1, 0):
        index = between[axis, axis] * np.arange(grid.shape[2 - axis]) + between[axis, 3]
        limit = other.shape[2 - axis] - 0.5
        inside = np.flatnonzero((index >= -0.5 - 1e-6) & (index <= limit + 1e-6))
        if inside.size == 0:
            raise ValueError("the grids do not overlap")
        spans.append(slice(int(inside[0]), int(inside[-1]) + 1))
    return (spans[0], spans[1], spans[2])
