"""Where the Gaussian window may lie, and the sums of the SSIM terms over those positions."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluation.fidelity.kernels import each_plane
from evaluation.fidelity.moments import (
    RADIUS,
    SLAB,
    TAPS,
    WIDTH,
    erode,
    gaussian_weights,
    slab_sums,
)

Dimension = Literal["3d", "2d"]
Component = Literal["ssim", "luminance", "contrast", "structure", "contrast_structure"]
COMPONENTS: tuple[Component, ...] = (
    "ssim",
    "contrast_structure",
    "luminance",
    "contrast",
    "structure",
)
K1, K2 = 0.01, 0.03


@dataclass(frozen=True, eq=False)
class Positions:
    """Window positions that count, over the inner part of the image, and flags.

    ``chosen`` are bytes [z, y, x] of that shape; None stands for all of them and takes no memory.
    """

    shape: tuple[int, int, int]
    chosen: np.ndarray | None
    flags: tuple[str, ...] = ()

    @property
    def counts(self) -> np.ndarray:
        """The number of positions of each plane."""
        if self.chosen is None:
            return np.full(self.shape[0], self.shape[1] * self.shape[2], dtype=np.int64)
        planes = self.chosen.view(np.bool_)
        return np.array([np.count_nonzero(plane) for plane in planes], dtype=np.int64)

    @property
    def bytes(self) -> np.ndarray:
        """What the compiled loop multiplies with: one row stands for all where all are chosen."""
        if self.chosen is None:
            return np.ones((1, 1, self.shape[2]), dtype=np.uint8)
        return self.chosen

    def columns(self) -> list[tuple[int, int]]:
        """Stretches of columns of about the same width that hold all positions."""
        used = np.array([0, self.shape[2] - 1])
        if self.chosen is not None:
            used = np.flatnonzero(np.bitwise_or.reduce(self.chosen, axis=0).any(axis=0))
        if not len(used):
            return []
        first, count = int(used[0]), int(used[-1] - used[0]) + 1
        stretches = -(-count // (WIDTH - TAPS + 1))
        width = -(-count // stretches)
        return [(first + x, min(width, count - x)) for x in range(0, count, width)]

    def rows(self, planes: slice, columns: slice) -> tuple[int, int]:
        """Return first row and end of rows of the positions in these planes and columns."""
        if self.chosen is None:
            return 0, self.shape[1]
        inside = np.bitwise_or.reduce(self.chosen[planes, :, columns], axis=0)
        used = np.flatnonzero(inside.any(axis=1))
        return (int(used[0]), int(used[-1]) + 1) if len(used) else (0, 0)


def fits(shape: tuple[int, ...], dimension: Dimension) -> bool:
    """Tell whether a window fits into an image of this shape at all."""
    return min(shape if dimension == "3d" else shape[1:]) >= TAPS


def inner(dimension: Dimension) -> tuple[slice, slice, slice]:
    """Return the part of the image where a window lies inside it."""
    edge = slice(RADIUS, -RADIUS)
    return (edge if dimension == "3d" else slice(None), edge, edge)


def every_position(shape: tuple[int, ...], dimension: Dimension) -> Positions:
    """Return all positions whose window lies inside the image."""
    depth = shape[0] - TAPS + 1 if dimension == "3d" else shape[0]
    return Positions((depth, shape[1] - TAPS + 1, shape[2] - TAPS + 1), None)


def positions_inside(mask: np.ndarray, dimension: Dimension, *flags: str) -> Positions:
    """Return the positions that lie in the mask while their window lies inside the image."""
    every = every_position(mask.shape, dimension)
    chosen = np.ascontiguousarray(mask[inner(dimension)]).view(np.uint8)
    return Positions(every.shape, chosen, flags)


def eroded_positions(mask: np.ndarray, dimension: Dimension) -> Positions:
    """Return the positions whose whole window lies in the mask, or what stands in for them."""
    every = every_position(mask.shape, dimension)
    chosen = np.zeros(every.shape, dtype=np.uint8)
    erode(mask, TAPS if dimension == "3d" else 1, chosen)
    if chosen.any():
        return Positions(every.shape, chosen)
    return positions_inside(mask, dimension, "mask_too_thin" if mask.any() else "empty_mask")


def window_sums(
    images: tuple[np.ndarray, np.ndarray],
    positions: Positions,
    dimension: Dimension,
    *,
    data_range: float,
    terms: int,
    keep_map: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the sums [z, term] over the positions and, if asked for, the map.

    The images are clipped to [0, data_range] on the way. ``terms`` is 1, 2 or 5 of the COMPONENTS.
    """
    weights, flat = gaussian_weights(), dimension == "2d"
    scale = (np.float32(data_range), np.float32(K1**2), np.float32(K2**2))
    values = np.empty(positions.shape if keep_map else (0, 0, 0), dtype=np.float32)
    depth, columns, chosen = positions.shape[0], positions.columns(), positions.bytes
    slabs = [(z, min(SLAB, depth - z), *x) for z in range(0, depth, SLAB) for x in columns]
    sums = np.zeros((len(slabs), SLAB, terms))

    def work(k: int) -> None:
        z, planes, x, width = slabs[k]
        first, end = positions.rows(slice(z, z + planes), slice(x, x + width))
        if end > first:
            place = (z, planes, first, end, x, width, flat)
            slab_sums(images, scale, place, weights, chosen, sums[k], values)

    each_plane(len(slabs), work)
    added = sums.reshape(-1, max(len(columns), 1), SLAB, terms).sum(axis=1)
    by_plane = np.zeros((depth, terms))
    by_plane[: SLAB * len(added)] = added.reshape(-1, terms)[:depth]
    return by_plane, values
