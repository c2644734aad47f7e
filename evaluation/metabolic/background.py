"""Uptake against a background, and uptake of organs."""

from collections.abc import Mapping

import numpy as np
from scipy import ndimage

from evaluation.imaging import Volume
from evaluation.metabolic.peak import peak_means
from evaluation.metabolic.results import Parameter, checked_image, checked_mask


def tumour_to_background(
    image: Volume, lesion_mask: np.ndarray | Volume, background_mask: np.ndarray | Volume
) -> tuple[Parameter, ...]:
    """Return ``tbr_max``, ``tbr_mean`` and ``tbr_peak``: lesion uptake over the background's mean.

    Numerators are SUVmax, SUVmean and SUVpeak (IBSI global) of the lesion. Values are None with a
    flag (``empty_mask``, ``empty_background``, ``zero_background``) where no ratio exists.
    """
    values = checked_image(image)
    lesion, background = checked_mask(image, lesion_mask), checked_mask(image, background_mask)
    flags = _ratio_flags(values, lesion, background)
    n, below = int(lesion.sum()), "mean of the background mask"
    if flags:
        return tuple(
            Parameter(f"tbr_{k}", None, "1", f"SUV{k} over {below}", flags, n)
            for k in ("max", "mean", "peak")
        )
    mean = float(values[background].mean(dtype=np.float64))
    means, _ = peak_means(values, image.grid, np.argwhere(lesion))
    inside = values[lesion].astype(np.float64)
    above = {"max": inside.max(), "mean": inside.mean(), "peak": means.max()}
    return tuple(
        Parameter(f"tbr_{k}", float(v) / mean, "1", f"SUV{k} over {below}", (), n)
        for k, v in above.items()
    )


def _ratio_flags(values: np.ndarray, lesion: np.ndarray, background: np.ndarray) -> tuple[str, ...]:
    if not lesion.any():
        return ("empty_mask",)
    if not background.any():
        return ("empty_background",)
    return ("zero_background",) if float(values[background].mean(dtype=np.float64)) <= 0 else ()


def organ_statistics(
    image: Volume, masks: Mapping[str, np.ndarray | Volume], erode_voxels: int = 1
) -> dict[str, tuple[Parameter, ...]]:
    """Return mean, SD, 95th percentile and volume of uptake in each organ.

    Masks are eroded by ``erode_voxels`` (6-neighbourhood) against spill-over; an organ that vanishes
    by that is measured whole, with flag ``not_eroded``. The volume is that of the whole mask.
    """
    values = checked_image(image)
    return {
        name: _organ(image, values, checked_mask(image, mask), erode_voxels)
        for name, mask in masks.items()
    }


def _organ(
    image: Volume, values: np.ndarray, whole: np.ndarray, erode_voxels: int
) -> tuple[Parameter, ...]:
    core = ndimage.binary_erosion(whole, iterations=erode_voxels) if erode_voxels else whole
    flags: tuple[str, ...] = ()
    if not core.any():
        core, flags = whole, ("not_eroded",) if whole.any() else ("empty_mask",)
    how = f"organ mask eroded by {0 if flags else erode_voxels} voxel"
    n, volume = int(core.sum()), float(whole.sum()) * image.grid.voxel_volume_ml
    inside = values[core].astype(np.float64)
    numbers = (
        (float(inside.mean()), float(inside.std()), float(np.percentile(inside, 95)))
        if n
        else (None, None, None)
    )
    names = ("suv_mean", "suv_sd", "suv_p95")
    uptake = [
        Parameter(name, value, image.unit, how, flags, n)
        for name, value in zip(names, numbers, strict=True)
    ]
    size = Parameter("volume", volume, "ml", "voxel count, whole mask", flags, int(whole.sum()))
    return (*uptake, size)
