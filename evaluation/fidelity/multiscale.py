"""Multi-scale structural similarity (MS-SSIM).

Wang Z., Simoncelli E. P., Bovik A. C. 2003, Asilomar Conf Signals Syst Comput 37:1398. With cs_j the
mean of (2 c + C2) / (vx + vy + C2) at scale j (each scale half as fine as the one before) and S_M the
mean of SSIM at the coarsest: MS-SSIM = S_M^w_M times the product over j < M of cs_j^w_j.
"""

from dataclasses import dataclass

import numpy as np

from evaluation.fidelity.kernels import each_plane, halve_plane
from evaluation.fidelity.results import FidelityResult, Image, Mask, Pair, checked_pair
from evaluation.fidelity.windows import (
    COMPONENTS,
    Dimension,
    every_position,
    fits,
    positions_inside,
    window_sums,
)

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_SSIM, _CONTRAST_STRUCTURE = COMPONENTS.index("ssim"), COMPONENTS.index("contrast_structure")


@dataclass(frozen=True, eq=False)
class _Scale:
    """Sums of SSIM and of its contrast-structure part per plane, and the positions behind them."""

    whole: np.ndarray
    both: np.ndarray
    counts: np.ndarray


def ms_ssim(
    reference: Image,
    synthetic: Image,
    *,
    data_range: float,
    mask: Mask = None,
    dimension: Dimension = "3d",
) -> FidelityResult:
    """Return the multi-scale structural similarity with the five published weights.

    Each coarser scale is the mean of 2x2x2 voxels (2x2 in two dimensions; an odd last plane, row or
    column is left out). At each scale those positions count that lie in the mask while their window
    lies in the image: the mask is not eroded, since no body holds a window of the coarsest scale. A
    coarse voxel is in the mask when at least half of its fine ones are.

    Parameters
    ----------
    reference, synthetic, data_range, mask
        As for :func:`evaluation.fidelity.ssim`.
    dimension
        ``3d``, or ``2d`` for the mean over axial slices.

    Returns
    -------
    FidelityResult
        With fewer scales than five, where the image (or mask) is small, the weights are divided by
        their sum, the recipe says how many, and the flag is ``fewer_scales``: compare such values
        among images of one size only. Value None with ``too_small`` where no scale fits and
        ``negative_structure`` where a mean below zero has no such power.

    Examples
    --------
    >>> one = np.full((16, 16, 16), 1.0)
    >>> round(ms_ssim(one, one, data_range=10).value, 9)
    1.0
    """
    pair = checked_pair(reference, synthetic, data_range=data_range, mask=mask)
    if not pair.inside.any():
        return pair.result(None, "empty_mask", n=0, method=_recipe(pair, dimension, 0))
    scales = _scales(pair, dimension)
    recipe = _recipe(pair, dimension, len(scales))
    if not scales:
        return pair.result(None, "too_small", n=0, method=recipe)
    flags = ("fewer_scales",) if len(scales) < len(WEIGHTS) else ()
    n = int(scales[0].counts.sum())
    value = _product(scales, dimension)
    if value is None:
        return pair.result(None, *flags, "negative_structure", n=n, method=recipe)
    return pair.result(value, *flags, n=n, method=recipe)


def _recipe(pair: Pair, dimension: Dimension, scales: int) -> str:
    window = "11x11x11" if dimension == "3d" else "11x11 axial, mean of slices"
    return (
        f"MS-SSIM (Wang 2003), {scales} of {len(WEIGHTS)} scales, {window}, Gaussian sigma 1.5 voxels, "
        f"K1 0.01, K2 0.03, population covariance, clipped to [0, {pair.data_range:g}], "
        f"L {pair.data_range:g}, mean over {pair.where}, not eroded"
    )


def _scales(pair: Pair, dimension: Dimension) -> list[_Scale]:
    images, inside = pair.images, pair.mask
    scales: list[_Scale] = []
    used = np.ones(pair.reference.shape[0], dtype=np.bool_)
    while len(scales) < len(WEIGHTS) and fits(images[0].shape, dimension):
        positions = (
            every_position(images[0].shape, dimension)
            if inside is None
            else positions_inside(inside, dimension)
        )
        counts = positions.counts
        if dimension == "2d":
            used &= counts > 0
        if not counts.any() or not used.any():
            break
        sums, _ = window_sums(images, positions, dimension, data_range=pair.data_range, terms=2)
        scales.append(_Scale(sums[:, _SSIM], sums[:, _CONTRAST_STRUCTURE], counts))
        first, second = (_halved(image, dimension, pair.data_range) for image in images)
        images = (first, second)
        if inside is not None:
            inside = _halved(inside, dimension, 1.0) >= 0.5
    return scales


def _halved(image: np.ndarray, dimension: Dimension, data_range: float) -> np.ndarray:
    """The clipped image at half the fineness."""
    flat = dimension == "2d"
    nz, ny, nx = image.shape
    halved = np.empty((nz if flat else nz // 2, ny // 2, nx // 2), dtype=np.float32)

    def work(z: int) -> None:
        first = z if flat else 2 * z
        halve_plane(image[first : first + 2], flat, 0.0, data_range, halved[z])

    each_plane(len(halved), work)
    return halved


def _product(scales: list[_Scale], dimension: Dimension) -> float | None:
    """The weighted product of the means (over all positions, or per slice and then over slices)."""
    weights = np.array(WEIGHTS[: len(scales)])
    if len(scales) < len(WEIGHTS):
        weights /= weights.sum()  # the five as published add up to 1.0001 and are left so
    sums = [s.both for s in scales[:-1]] + [scales[-1].whole]
    counts = [s.counts for s in scales]
    if dimension == "3d":
        means = np.array([[s.sum() / n.sum()] for s, n in zip(sums, counts, strict=True)])
    else:
        used = np.all([n > 0 for n in counts], axis=0)
        means = np.array([s[used] / n[used] for s, n in zip(sums, counts, strict=True)])
    if (means < 0).any():
        return None
    powers: np.ndarray = means ** weights[:, None]
    return float(powers.prod(axis=0).mean())
