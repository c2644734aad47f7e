"""What a metabolic measurement returns, and what it refuses."""

from dataclasses import dataclass

import numpy as np

from evaluation.imaging import Volume


class MetabolicRefused(ValueError):
    """The image or the mask cannot be measured; the sentence says why."""


@dataclass(frozen=True)
class Parameter:
    """One metabolic parameter of one region; ``value`` is None where it does not exist."""

    quantity: str
    value: float | None
    unit: str
    method: str
    flags: tuple[str, ...] = ()
    n_voxels: int = 0


def checked_image(image: Volume) -> np.ndarray:
    """Return the values of an uptake image [z, y, x], refused unless they are finite SUV."""
    if not image.unit.startswith("SUV"):
        raise MetabolicRefused(f"metabolic parameters are measured in SUV, not in {image.unit}")
    if not np.isfinite(np.sum(image.array, dtype=np.float64)):
        raise MetabolicRefused("the image holds values that are no finite numbers")
    return image.array


def checked_mask(image: Volume, mask: np.ndarray | Volume) -> np.ndarray:
    """Return a mask as bool [z, y, x] of the image's shape, refused on another grid."""
    if isinstance(mask, Volume):
        if not mask.grid.same_as(image.grid):
            raise MetabolicRefused("the mask lies on another grid than the image")
        mask = mask.array
    if mask.shape != image.array.shape:
        raise MetabolicRefused(f"the mask has shape {mask.shape}, the image {image.array.shape}")
    return np.asarray(mask) != 0
