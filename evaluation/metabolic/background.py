"""Uptake against a background, and uptake of organs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from evaluation.imaging import Volume
from evaluation.metabolic.peak import peak_means
from evaluation.metabolic.regions import Region, Uptake, region_of, uptake_of
from evaluation.metabolic.results import MetabolicRefused, Parameter

Mask = np.ndarray | Volume | Region
# EANM procedure guideline 2.0: outside it, ask for weight and dose.
LIVER_MEAN_SUVBW = (1.3, 3.0)


@dataclass(frozen=True)
class Background:
    """Mean uptake and number of voxels of a background, measured once for many lesions."""

    mean: float
    n: int


def background_of(image: Volume | Uptake, mask: Mask) -> Background:
    """Return the mean uptake under a background mask; not a number where the mask is empty."""
    region = region_of(image, mask)
    inside = region.values_in(uptake_of(image).values)
    return Background(float(inside.mean()) if inside.size else math.nan, inside.size)


def tumour_to_background(
    image: Volume | Uptake, lesion_mask: Mask, background_mask: Mask
) -> tuple[Parameter, ...]:
    """Return ``tbr_max``, ``tbr_mean`` and ``tbr_peak``: lesion uptake over the background's mean.

    Numerators are SUVmax, SUVmean and SUVpeak (IBSI global) of the lesion. Values are None with a
    flag (``empty_mask``, ``empty_background``, ``zero_background``) where no ratio exists.
    """
    background = background_of(image, background_mask)
    return tumour_to_backgrounds(image, lesion_mask, {"": background})[""]


def tumour_to_backgrounds(
    image: Volume | Uptake, lesion_mask: Mask, backgrounds: Mapping[str, Background]
) -> dict[str, tuple[Parameter, ...]]:
    """Return the ratios of one lesion to each of several backgrounds, by their names."""
    uptake, lesion = uptake_of(image), region_of(image, lesion_mask)
    above: dict[str, float] = {}
    if lesion.n:
        inside = lesion.values_in(uptake.values)
        means = peak_means(uptake.values, uptake.grid, lesion.places).means
        above = {"max": inside.max(), "mean": inside.mean(), "peak": means.max()}
    return {name: _ratios(above, lesion.n, behind) for name, behind in backgrounds.items()}


def _ratios(above: Mapping[str, float], n: int, behind: Background) -> tuple[Parameter, ...]:
    below, flags = "mean of the background mask", _ratio_flags(n, behind)
    return tuple(
        Parameter(
            f"tbr_{k}",
            None if flags else float(above[k] / behind.mean),
            "1",
            f"SUV{k} over {below}",
            flags,
            n,
        )
        for k in ("max", "mean", "peak")
    )


def _ratio_flags(n: int, behind: Background) -> tuple[str, ...]:
    if not n:
        return ("empty_mask",)
    if not behind.n:
        return ("empty_background",)
    return ("zero_background",) if behind.mean <= 0 else ()


def organ_statistics(
    image: Volume | Uptake, masks: Mapping[str, Mask], erode_voxels: int = 1
) -> dict[str, tuple[Parameter, ...]]:
    """Return mean, SD, 95th percentile and volume of uptake in each organ.

    Masks are eroded by ``erode_voxels`` (6-neighbourhood) against spill-over; an organ that vanishes
    by that is measured whole, with flag ``not_eroded``. The volume is that of the whole mask. A mean
    of the organ ``liver`` outside 1.3 to 3.0 SUVbw has the flag ``liver_outside_qc_range``.

    Raises
    ------
    MetabolicRefused
        When ``erode_voxels`` is below zero, or as for the lesions.
    """
    if erode_voxels < 0:
        raise MetabolicRefused("a mask is eroded by zero or more voxels")
    uptake = uptake_of(image)
    organs = {
        name: _organ(uptake, region_of(image, mask), erode_voxels) for name, mask in masks.items()
    }
    if "liver" in organs and uptake.unit == "SUVbw":
        organs["liver"] = tuple(_with_liver_check(p) for p in organs["liver"])
    return organs


def _with_liver_check(parameter: Parameter) -> Parameter:
    low, high = LIVER_MEAN_SUVBW
    if (
        parameter.quantity != "suv_mean"
        or parameter.value is None
        or low <= parameter.value <= high
    ):
        return parameter
    return replace(parameter, flags=(*parameter.flags, "liver_outside_qc_range"))


def _organ(image: Uptake, region: Region, erode_voxels: int) -> tuple[Parameter, ...]:
    core, flags = _core(region, erode_voxels)
    how = f"organ mask eroded by {0 if flags else erode_voxels} voxel"
    inside = image.values[region.box][core].astype(np.float64)
    numbers = (
        (float(inside.mean()), float(inside.std()), float(np.percentile(inside, 95)))
        if inside.size
        else (None, None, None)
    )
    uptake = [
        Parameter(name, value, image.unit, how, flags, inside.size)
        for name, value in zip(("suv_mean", "suv_sd", "suv_p95"), numbers, strict=True)
    ]
    volume = region.n * image.grid.voxel_volume_ml
    return (*uptake, Parameter("volume", volume, "ml", "voxel count, whole mask", flags, region.n))


def _core(region: Region, erode_voxels: int) -> tuple[np.ndarray, tuple[str, ...]]:
    if region.n == 0:
        return region.inside, ("empty_mask",)
    if erode_voxels == 0:
        return region.inside, ()
    core = ndimage.binary_erosion(region.inside, iterations=erode_voxels)
    return (core, ()) if core.any() else (region.inside, ("not_eroded",))
