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
    """Window positions that count: bytes [z, y, x] over the inner part of the image, and flags."""

    chosen: np.ndarray
    flags: tuple[str, ...]


def fits(shape: tuple[int, ...], dimension: Dimension) -> bool:
    """Tell whether a window fits into an image of this shape at all."""
    return min(shape if dimension == "3d" else shape[1:]) >= TAPS


def inner(dimension: Dimension) -> tuple[slice, slice, slice]:
    """Return the part of the image where a window lies inside it."""
    edge = slice(RADIUS, -RADIUS)
    return (edge if dimension == "3d" else slice(None), edge, edge)


def every_position(shape: tuple[int, ...], dimension: Dimension) -> np.ndarray:
    """Return all positions whose window lies inside the image."""
    depth = shape[0] - TAPS + 1 if dimension == "3d" else shape[0]
    return np.ones((depth, shape[1] - TAPS + 1, shape[2] - TAPS + 1), dtype=np.uint8)


def positions_inside(mask: np.ndarray, dimension: Dimension) -> np.ndarray:
    """Return the positions that lie in the mask while their window lies inside the image."""
    return np.ascontiguousarray(mask[inner(dimension)]).view(np.uint8)


def eroded_positions(
    mask: np.ndarray | None, shape: tuple[int, ...], dimension: Dimension
) -> Positions:
    """Return the positions whose whole window lies in the mask, or what stands in for them."""
    if mask is None:
        return Positions(every_position(shape, dimension), ())
    chosen = every_position(shape, dimension)
    erode(mask, TAPS if dimension == "3d" else 1, chosen)
    if chosen.any():
        return Positions(chosen, ())
    empty = "mask_too_thin" if mask.any() else "empty_mask"
    return Positions(positions_inside(mask, dimension), (empty,))


def counts_of(chosen: np.ndarray) -> np.ndarray:
    """Return the number of chosen positions of each plane."""
    return np.array([np.count_nonzero(plane) for plane in chosen.view(np.bool_)], dtype=np.int64)


def window_sums(
    images: tuple[np.ndarray, np.ndarray],
    chosen: np.ndarray,
    dimension: Dimension,
    *,
    data_range: float,
    terms: int,
    keep_map: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the sums [z, term] over the chosen positions and, if asked for, the map.

    The images are clipped to [0, data_range] on the way. ``terms`` is 1, 2 or 5 of the COMPONENTS.
    """
    weights, flat = gaussian_weights(), dimension == "2d"
    scale = (np.float32(data_range), np.float32(K1**2), np.float32(K2**2))
    values = np.empty(chosen.shape if keep_map else (0, 0, 0), dtype=np.float32)
    columns = _columns(chosen)
    slabs = [
        (z, min(SLAB, chosen.shape[0] - z), x, width)
        for z in range(0, chosen.shape[0], SLAB)
        for x, width in columns
    ]
    sums = np.zeros((len(slabs), SLAB, terms))

    def work(k: int) -> None:
        z, planes, x, width = slabs[k]
        inside = np.bitwise_or.reduce(chosen[z : z + planes, :, x : x + width], axis=0)
        rows = np.flatnonzero(inside.any(axis=1))
        if len(rows):
            place = (z, planes, int(rows[0]), int(rows[-1]) + 1, x, width, flat)
            slab_sums(images, scale, place, weights, chosen, sums[k], values)

    each_plane(len(slabs), work)
    added = sums.reshape(-1, max(len(columns), 1), SLAB, terms).sum(axis=1)
    return added.reshape(-1, terms)[: chosen.shape[0]], values


def _columns(chosen: np.ndarray) -> list[tuple[int, int]]:
    """Stretches of columns of about the same width that hold all chosen positions."""
    used = np.flatnonzero(np.bitwise_or.reduce(chosen, axis=0).any(axis=0))
    if not len(used):
        return []
    first, count = int(used[0]), int(used[-1] - used[0]) + 1
    stretches = -(-count // (WIDTH - TAPS + 1))
    width = -(-count // stretches)
    return [(first + x, min(width, count - x)) for x in range(0, count, width)]
