"""Structural similarity (SSIM) with one declared recipe, in three dimensions and slice by slice.

Wang Z. et al. 2004, IEEE Trans Image Process 13:600. Per position, with Gaussian-weighted means m,
population variances v, covariance c of the window, C1 = (0.01 L)2, C2 = (0.03 L)2, C3 = C2 / 2:
luminance (2 mx my + C1) / (mx2 + my2 + C1), contrast (2 sx sy + C2) / (vx + vy + C2), structure
(c + C3) / (sx sy + C3); SSIM is their product.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import ndimage

from evaluation.fidelity.kernels import RADIUS, TAPS, each_plane, gaussian_weights, ssim_plane
from evaluation.fidelity.results import FidelityResult, Image, Mask, Pair, checked_pair

Dimension = Literal["3d", "2d"]
Component = Literal["ssim", "luminance", "contrast", "structure"]
COMPONENTS: tuple[Component, ...] = ("ssim", "luminance", "contrast", "structure")
K1, K2 = 0.01, 0.03


@dataclass(frozen=True, eq=False)
class _Positions:
    """Window positions that count: bytes [z, y, x] over the inner part of the image, and flags."""

    chosen: np.ndarray
    flags: tuple[str, ...]


def ssim(
    reference: Image,
    synthetic: Image,
    *,
    data_range: float,
    mask: Mask = None,
    dimension: Dimension = "3d",
    component: Component = "ssim",
) -> FidelityResult:
    """Return the mean structural similarity of two images, or of one of its components.

    Parameters
    ----------
    reference, synthetic
        Arrays [z, y, x] or volumes, same grid and unit.
    data_range
        The fixed window [0, L] of the trial; both images are clipped to it.
    mask
        Average the map where the whole window lies inside the mask; voxels are never zeroed. If no
        window fits (flag ``mask_too_thin``), positions inside the mask count whose window lies
        inside the image.
    dimension
        ``3d``, or ``2d`` for the mean of axial slices, each slice with the same weight.
    component
        ``ssim``, ``luminance``, ``contrast`` or ``structure``.

    Returns
    -------
    FidelityResult
        Value None, with flag ``too_small`` or ``empty_mask``, where no window fits at all.

    Raises
    ------
    FidelityRefused
        For images that cannot be compared or a data range that is no positive number.

    Examples
    --------
    Constant images a and b have SSIM (2ab + C1) / (a2 + b2 + C1):

    >>> import numpy as np
    >>> one = np.full((12, 12, 12), 1.0)
    >>> round(ssim(one, 2 * one, data_range=10).value, 6)
    0.800399
    """
    components = ("ssim",) if component == "ssim" else COMPONENTS
    pair = checked_pair(reference, synthetic, data_range=data_range, mask=mask)
    return _measured(pair, dimension, components)[component]


def ssim_components(
    reference: Image,
    synthetic: Image,
    *,
    data_range: float,
    mask: Mask = None,
    dimension: Dimension = "3d",
) -> dict[Component, FidelityResult]:
    """Return SSIM and its luminance, contrast and structure from one pass; see :func:`ssim`."""
    pair = checked_pair(reference, synthetic, data_range=data_range, mask=mask)
    return _measured(pair, dimension, COMPONENTS)


def _measured(
    pair: Pair, dimension: Dimension, components: tuple[Component, ...]
) -> dict[Component, FidelityResult]:
    """SSIM alone takes a third less time than with its components, so that is a case of its own."""
    recipe = _recipe(pair, dimension)
    if not _fits(pair.reference.shape, dimension):
        return dict.fromkeys(components, FidelityResult(None, "1", 0, recipe, ("too_small",)))
    positions = _positions(pair, dimension)
    sums, _ = _run(pair, positions.chosen, dimension, terms=len(components))
    counts = positions.chosen.sum(axis=(1, 2), dtype=np.int64)
    n = int(counts.sum())
    means = _means(sums, counts, dimension)
    return {
        name: FidelityResult(
            float(means[k]) if n else None,
            "1",
            n,
            recipe if name == "ssim" else f"{name} component of {recipe}",
            positions.flags,
        )
        for k, name in enumerate(components)
    }


def ssim_map(
    reference: Image, synthetic: Image, *, data_range: float, dimension: Dimension = "3d"
) -> np.ndarray:
    """Return SSIM at each voxel as float32 of the image's shape, NaN where no window fits."""
    pair = checked_pair(reference, synthetic, data_range=data_range, mask=None)
    whole = np.full(pair.reference.shape, np.nan, dtype=np.float32)
    if not _fits(pair.reference.shape, dimension):
        return whole
    chosen = np.ones(_inner_shape(pair.reference.shape, dimension), dtype=np.uint8)
    _, values = _run(pair, chosen, dimension, terms=1, keep_map=True)
    whole[_inner(dimension)] = values
    return whole


def _recipe(pair: Pair, dimension: Dimension) -> str:
    window = "11x11x11" if dimension == "3d" else "11x11 axial, mean of slices"
    where = "whole image" if pair.mask is None else "mask eroded by the window"
    return (
        f"SSIM {window}, Gaussian sigma 1.5 voxels, K1 0.01, K2 0.03, population covariance, "
        f"clipped to [0, {pair.data_range:g}], L {pair.data_range:g}, mean over {where}"
    )


def _fits(shape: tuple[int, ...], dimension: Dimension) -> bool:
    return min(shape if dimension == "3d" else shape[1:]) >= TAPS


def _inner(dimension: Dimension) -> tuple[slice, slice, slice]:
    edge = slice(RADIUS, -RADIUS)
    return (edge if dimension == "3d" else slice(None), edge, edge)


def _inner_shape(shape: tuple[int, ...], dimension: Dimension) -> tuple[int, int, int]:
    depth = shape[0] - TAPS + 1 if dimension == "3d" else shape[0]
    return (depth, shape[1] - TAPS + 1, shape[2] - TAPS + 1)


def _positions(pair: Pair, dimension: Dimension) -> _Positions:
    if pair.mask is None:
        shape = _inner_shape(pair.reference.shape, dimension)
        return _Positions(np.ones(shape, dtype=np.uint8), ())
    eroded = pair.mask.view(np.uint8)
    for axis in (0, 1, 2) if dimension == "3d" else (1, 2):
        eroded = ndimage.minimum_filter1d(eroded, TAPS, axis=axis, mode="constant", cval=0)
    chosen = np.ascontiguousarray(eroded[_inner(dimension)])
    if chosen.any():
        return _Positions(chosen, ())
    chosen = np.ascontiguousarray(pair.mask[_inner(dimension)]).view(np.uint8)
    empty = "mask_too_thin" if pair.mask.any() else "empty_mask"
    return _Positions(chosen, (empty,))


def _run(
    pair: Pair, chosen: np.ndarray, dimension: Dimension, *, terms: int, keep_map: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    a, b = pair.clipped()
    weights, count = gaussian_weights(), chosen.shape[0]
    sums = np.zeros((count, terms))
    values = np.empty(chosen.shape if keep_map else (0, 0, 0), dtype=np.float32)
    c1, c2 = (K1 * pair.data_range) ** 2, (K2 * pair.data_range) ** 2

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


def _means(sums: np.ndarray, counts: np.ndarray, dimension: Dimension) -> np.ndarray:
    if dimension == "3d":
        return sums.sum(axis=0) / max(int(counts.sum()), 1)
    used = counts > 0
    per_slice = sums[used] / counts[used, None]
    return per_slice.mean(axis=0) if used.any() else np.zeros(sums.shape[1])
