"""Maximum intensity projections round the patient's long axis, each with the depth its brightest voxel lies at."""

from dataclasses import dataclass, replace

import numpy as np

from evaluation.imaging import Volume

ANGLES = 24  # every 15 degrees
_AXIAL = 0.9  # cosine: the axes of the image may lean by this much against those of the patient


@dataclass(frozen=True, eq=False)
class Projections:
    """Projections [z, angle, u] and, of each brightest voxel, its place along the ray in voxels."""

    values: Volume
    depth: np.ndarray


def rotating_projections(volume: Volume, *, angles: int = ANGLES) -> Projections:
    """Return what is brightest along parallel rays through every slice, the patient turned step by step.

    The first projection looks along the second axis of the image (from the front, for axial slices) and
    is exact: every value is that of a voxel, none is interpolated. The turned ones take the nearest voxel.

    Raises
    ------
    ValueError
        When the slices are not axial: the projections would not turn round the patient's long axis.
    """
    direction = np.abs(np.array(volume.grid.direction))
    if np.diag(direction).min() < _AXIAL:
        raise ValueError("The slices are not axial, so no projections were made.")
    turned = [
        _brightest(volume.array, _places(volume, 2 * np.pi * step / angles))
        for step in range(angles)
    ]
    values = np.stack([bright for bright, _ in turned], axis=1)
    depth = np.stack([deep for _, deep in turned], axis=1)
    z, n, u = values.shape
    dz, _, dx = volume.grid.spacing_mm
    grid = replace(volume.grid, shape=(z, n, u), spacing_mm=(dz, 1.0, dx))
    return Projections(Volume(values, grid, volume.unit), depth)


def _places(volume: Volume, angle: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows and columns (depth, u) that a turned slice takes its voxels from, and which lie inside."""
    _, rows, columns = volume.grid.shape
    _, dy, dx = volume.grid.spacing_mm
    u = (np.arange(columns) - (columns - 1) / 2) * dx
    v = (np.arange(rows) - (rows - 1) / 2) * dy
    across, along = np.meshgrid(u, v)
    x = across * np.cos(angle) - along * np.sin(angle)
    y = across * np.sin(angle) + along * np.cos(angle)
    column = np.rint(x / dx + (columns - 1) / 2).astype(np.intp)
    row = np.rint(y / dy + (rows - 1) / 2).astype(np.intp)
    inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
    return np.clip(row, 0, rows - 1), np.clip(column, 0, columns - 1), inside


def _brightest(
    array: np.ndarray, places: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    row, column, inside = places
    bright = np.empty((array.shape[0], array.shape[2]), dtype=np.float32)
    depth = np.empty(bright.shape, dtype=np.int16)
    for z, plane in enumerate(array):
        rays = np.where(inside, plane[row, column], -np.inf)
        deepest = rays.argmax(axis=0)
        depth[z] = deepest
        found = np.take_along_axis(rays, deepest[None], axis=0)[0]
        bright[z] = np.where(np.isfinite(found), found, 0.0)
    return bright, depth
