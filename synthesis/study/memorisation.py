"""Whether synthetic patches are copies: their distance to the nearest training patch.

A model that copied its training participants would give patches nearer to them than the acquired
PET of people whom it never saw. All patches are smoothed first, or an image without noise would lie
nearer to everybody for that reason alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from synthesis.data.pairs import PairCase
from synthesis.study.records import Nearness

Array = NDArray[np.float32]
SIDE = 12
PATCHES = 40  # of each held-out participant
SMOOTHING_VOXELS = 1.0
NEAREST_PERCENT = 1.0


def nearness(
    held_out: Sequence[tuple[PairCase, Array]],
    case: Callable[[str], PairCase],
    training: Sequence[str],
    *,
    seed: int,
) -> Nearness:
    """Compare synthetic with acquired patches of held-out participants, place by place.

    Parameters
    ----------
    held_out
        Cases and their synthetic PET.
    case, training
        Gives a case; the participants that were learned from.
    """
    rng = np.random.default_rng([seed, 707])
    places = [_places(one, rng) for one, _ in held_out]
    acquired = [_patches(one.suv.astype(np.float32), p) for (one, _), p in zip(held_out, places, strict=True)]  # fmt: skip
    synthetic = [_patches(suv, p) for (_, suv), p in zip(held_out, places, strict=True)]
    nearest = np.full((2, sum(len(p) for p in places)), np.inf)
    for name in training:
        suv = case(name).suv.astype(np.float32)
        smooth = _smoothed(suv)
        theirs = np.concatenate([_cut(smooth, p) for p in places])
        for row, own in zip(nearest, (acquired, synthetic), strict=True):
            distance = np.sqrt(np.mean((np.concatenate(own) - theirs) ** 2, axis=1))
            np.minimum(row, distance, out=row)
    limit = np.percentile(nearest[0], NEAREST_PERCENT)
    return Nearness(
        patches=nearest.shape[1],
        acquired_median=float(np.median(nearest[0])),
        synthetic_median=float(np.median(nearest[1])),
        suspicious=float(np.mean(nearest[1] < limit)),
    )


def _places(case: PairCase, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return centres (z, y, x) inside the body, a whole patch within the image."""
    half = SIDE // 2
    inside = case.body.copy()
    inside[:, :half], inside[:, -half:] = False, False
    inside[:, :, :half], inside[:, :, -half:] = False, False
    voxels = np.argwhere(inside)
    return voxels[rng.choice(len(voxels), size=min(PATCHES, len(voxels)), replace=False)]


def _patches(suv: Array, places: NDArray[np.intp]) -> Array:
    return _cut(_smoothed(suv), places)


def _smoothed(suv: Array) -> Array:
    return ndimage.gaussian_filter(suv, SMOOTHING_VOXELS, output=np.float32)


def _cut(suv: Array, places: NDArray[np.intp]) -> Array:
    """Return patches (places, side * side) of slices."""
    half = SIDE // 2
    return np.stack(
        [suv[z, y - half : y + half, x - half : x + half].ravel() for z, y, x in places]
    )
