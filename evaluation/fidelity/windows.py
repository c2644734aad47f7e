"""Where the Gaussian window may lie, and the sums of the SSIM terms over those positions."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import ndimage

from evaluation.fidelity.kernels import RADIUS, TAPS, each_plane, gaussian_weights, ssim_plane

Dimension = Literal["3d", "2d"]
Component = Literal["ssim", "luminance", "contrast", "structure", "contrast_structure"]
COMPONENTS: tuple[Component, ...] = (
    "ssim",
    "luminance",
    "contrast",
    "structure",
    "contrast_structure",
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
    eroded = mask.view(np.uint8)
    for axis in (0, 1, 2) if dimension == "3d" else (1, 2):
        eroded = ndimage.minimum_filter1d(eroded, TAPS, axis=axis, mode="constant", cval=0)
    chosen = np.ascontiguousarray(eroded[inner(dimension)])
    if chosen.any():
        return Positions(chosen, ())
    empty = "mask_too_thin" if mask.any() else "empty_mask"
    return Positions(positions_inside(mask, dimension), (empty,))


def window_sums(
    images: tuple[np.ndarray, np.ndarray],
    chosen: np.ndarray,
    dimension: Dimension,
    *,
    data_range: float,
    terms: int,
    keep_map: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the sums [z, term] over the chosen positions and, if asked for, the map."""
    a, b = images
    weights, count = gaussian_weights(), chosen.shape[0]
    sums = np.zeros((count, terms))
    values = np.empty(chosen.shape if keep_map else (0, 0, 0), dtype=np.float32)
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2

    def work(z: int) -> None:
        if not keep_map and not chosen[z].any():
            return
        if dimension == "3d":
            ssim_plane(a, b, weights, c1, c2, z, chosen, sums, values)
            return
        one = slice(z, z + 1)
        ssim_plane(a[one], b[one], weights, c1, c2, 0, chosen[one], sums[one], values[one])

    each_plane(count, work)
    return sums, values
