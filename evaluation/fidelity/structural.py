"""Structural similarity (SSIM) with one declared recipe, in three dimensions and slice by slice.

Wang Z. et al. 2004, IEEE Trans Image Process 13:600. Per position, with Gaussian-weighted means m,
population variances v, covariance c of the window, C1 = (0.01 L)2, C2 = (0.03 L)2, C3 = C2 / 2:
luminance (2 mx my + C1) / (mx2 + my2 + C1), contrast (2 sx sy + C2) / (vx + vy + C2), structure
(c + C3) / (sx sy + C3); SSIM is their product.
"""

import numpy as np

from evaluation.fidelity.results import FidelityResult, Image, Mask, Pair, checked_pair
from evaluation.fidelity.windows import (
    COMPONENTS,
    Component,
    Dimension,
    eroded_positions,
    every_position,
    fits,
    inner,
    window_sums,
)


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
    if not fits(pair.reference.shape, dimension):
        return dict.fromkeys(components, pair.result(None, "too_small", n=0, method=recipe))
    positions = (
        every_position(pair.reference.shape, dimension)
        if pair.mask is None
        else eroded_positions(pair.mask, dimension)
    )
    sums, _ = window_sums(
        pair.images,
        positions,
        dimension,
        data_range=pair.data_range,
        terms=len(components),
    )
    counts = positions.counts
    n = int(counts.sum())
    means = _means(sums, counts, dimension)
    return {
        name: pair.result(
            float(means[k]) if n else None,
            *positions.flags,
            n=n,
            method=recipe if name == "ssim" else f"{name} component of {recipe}",
        )
        for k, name in enumerate(components)
    }


def ssim_map(
    reference: Image, synthetic: Image, *, data_range: float, dimension: Dimension = "3d"
) -> np.ndarray:
    """Return SSIM at each voxel as float32 of the image's shape, NaN where no window fits."""
    pair = checked_pair(reference, synthetic, data_range=data_range, mask=None)
    whole = np.full(pair.reference.shape, np.nan, dtype=np.float32)
    if not fits(pair.reference.shape, dimension):
        return whole
    positions = every_position(pair.reference.shape, dimension)
    _, values = window_sums(
        pair.images, positions, dimension, data_range=pair.data_range, terms=1, keep_map=True
    )
    whole[inner(dimension)] = values
    return whole


def _recipe(pair: Pair, dimension: Dimension) -> str:
    window = "11x11x11" if dimension == "3d" else "11x11 axial, mean of slices"
    where = "whole image" if pair.mask is None else "mask eroded by the window"
    return (
        f"SSIM {window}, Gaussian sigma 1.5 voxels, K1 0.01, K2 0.03, population covariance, "
        f"clipped to [0, {pair.data_range:g}], L {pair.data_range:g}, mean over {where}"
    )


def _means(sums: np.ndarray, counts: np.ndarray, dimension: Dimension) -> np.ndarray:
    if dimension == "3d":
        return sums.sum(axis=0) / max(int(counts.sum()), 1)
    used = counts > 0
    per_slice = sums[used] / counts[used, None]
    return per_slice.mean(axis=0) if used.any() else np.zeros(sums.shape[1])
