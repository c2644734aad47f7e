"""A label volume that implicit solids are painted on, later solids over earlier ones."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from synthesis.data.frame import Coordinate, Point

Slices = tuple[slice, slice, slice]
WARP_MM = 6.0  # largest displacement of the smooth deformation; boxes are widened by it


@dataclass(frozen=True, slots=True)
class Canvas:
    """Labels [z, y, x] and, for each voxel, its deformed coordinates in the anatomical frame."""

    labels: NDArray[np.uint8]
    x: Coordinate
    y: Coordinate
    z: Coordinate
    axes: tuple[Coordinate, Coordinate, Coordinate]  # undeformed z, y, x of the voxel centres

    def paint(self, label: int, mask: NDArray[np.bool_], where: Slices | None = None) -> None:
        """Give `label` to the masked voxels of a box (of the whole volume by default)."""
        target = self.labels if where is None else self.labels[where]
        target[mask] = label

    def box(self, low: Point, high: Point) -> Slices:
        """Return the slices that surely hold everything between two corners (x, y, z)."""
        found = []
        for axis, a, b in zip(self.axes, reversed(low), reversed(high), strict=True):
            start = int(np.searchsorted(axis, a - WARP_MM - 1))
            stop = int(np.searchsorted(axis, b + WARP_MM + 1))
            found.append(slice(start, max(start, stop)))
        return found[0], found[1], found[2]

    def ellipsoid(
        self, label: int, centre: Point, half_axes: Point, *, over: tuple[int, ...] = ()
    ) -> None:
        """Paint an axis-aligned ellipsoid, only over the named labels when some are named."""
        low, high = _corners(centre, half_axes)
        where = self.box(low, high)
        radius = np.zeros(1, dtype=np.float32) + sum(
            ((c[where] - np.float32(m)) / np.float32(h)) ** 2
            for c, m, h in zip((self.x, self.y, self.z), centre, half_axes, strict=True)
        )
        mask = radius < 1
        if over:
            mask &= np.isin(self.labels[where], over)
        self.paint(label, mask, where)

    def tube(
        self,
        label: int,
        points: tuple[Point, ...],
        radius_mm: float,
        *,
        over: tuple[int, ...] = (),
    ) -> None:
        """Paint a tube with round ends along a polyline."""
        for start, end in pairwise(points):
            where, distance = self._segment_distance(start, end, radius_mm)
            mask = distance < radius_mm**2
            if over:
                mask &= np.isin(self.labels[where], over)
            self.paint(label, mask, where)

    def _segment_distance(
        self, start: Point, end: Point, reach: float
    ) -> tuple[Slices, Coordinate]:
        """Return a box around the segment and the squared distance of its voxels from it."""
        low = tuple(min(a, b) - reach for a, b in zip(start, end, strict=True))
        high = tuple(max(a, b) + reach for a, b in zip(start, end, strict=True))
        where = self.box((low[0], low[1], low[2]), (high[0], high[1], high[2]))
        along = np.subtract(end, start).astype(np.float32)
        length2 = np.float32(max(float(along @ along), 1e-6))
        dx, dy, dz = (
            c[where] - np.float32(s) for c, s in zip((self.x, self.y, self.z), start, strict=True)
        )
        t = np.clip((dx * along[0] + dy * along[1] + dz * along[2]) / length2, 0, 1)
        return where, (dx - t * along[0]) ** 2 + (dy - t * along[1]) ** 2 + (dz - t * along[2]) ** 2


def _corners(centre: Point, half_axes: Point) -> tuple[Point, Point]:
    (x, y, z), (a, b, c) = centre, half_axes
    return (x - a, y - b, z - c), (x + a, y + b, z + c)


def blank_canvas(
    shape: tuple[int, int, int], spacing_zyx: Point, warp: tuple[float, ...], lowest_z_mm: float
) -> Canvas:
    """Return an empty canvas whose coordinates carry the participant's smooth deformation.

    Parameters
    ----------
    shape
        Voxels [z, y, x].
    spacing_zyx
        Voxel size in mm.
    warp
        Twelve phases in radians; they place the low-frequency waves of the deformation.
    lowest_z_mm
        Height of the first slice in the anatomical frame.
    """
    z = (lowest_z_mm + spacing_zyx[0] * np.arange(shape[0])).astype(np.float32)
    y = (spacing_zyx[1] * (np.arange(shape[1]) - (shape[1] - 1) / 2)).astype(np.float32)
    x = (spacing_zyx[2] * (np.arange(shape[2]) - (shape[2] - 1) / 2)).astype(np.float32)
    bend = _Waves(z=z, y=y, x=x, phases=warp)
    return Canvas(
        labels=np.zeros(shape, dtype=np.uint8),
        x=x[None, None, :]
        + 4 * bend.over("z", 150, 0) * bend.over("y", 190, 1)
        + 1.5 * bend.over("z", 70, 2),
        y=y[None, :, None]
        + 4 * bend.over("z", 170, 3) * bend.over("x", 210, 4)
        + 1.5 * bend.over("x", 120, 5),
        z=z[:, None, None]
        + 4 * bend.over("x", 160, 6) * bend.over("y", 180, 7)
        + 1.5 * bend.over("y", 110, 8),
        axes=(z, y, x),
    )


@dataclass(frozen=True, slots=True)
class _Waves:
    """Sine waves along one axis, shaped to broadcast over [z, y, x]."""

    z: Coordinate
    y: Coordinate
    x: Coordinate
    phases: tuple[float, ...]

    def over(self, axis: str, length_mm: float, phase: int) -> Coordinate:
        values = {"z": self.z, "y": self.y, "x": self.x}[axis]
        wave = np.sin(2 * np.pi * values / length_mm + self.phases[phase]).astype(np.float32)
        shape = {"z": (-1, 1, 1), "y": (1, -1, 1), "x": (1, 1, -1)}[axis]
        return wave.reshape(shape)
