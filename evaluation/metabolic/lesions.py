"""Metabolic parameters of a lesion: SUVmax, SUVmean, SUVpeak, metabolic volume, lesion glycolysis."""

import numpy as np

from evaluation.imaging import Volume
from evaluation.metabolic.peak import SPHERE_RADIUS_MM, peak_means
from evaluation.metabolic.regions import (
    SEARCH_MARGIN_MM,
    Region,
    Uptake,
    region_above,
    region_of,
    uptake_of,
)
from evaluation.metabolic.results import Parameter

RELATIVE_THRESHOLDS = {"41": 0.41, "50": 0.50}
FIXED_THRESHOLDS = {"2_5": 2.5, "4_0": 4.0}
_SPHERE = f"mean in a sphere of {SPHERE_RADIUS_MM} mm, voxel centres, cut at the image border"
_CONNECTED = f"connected (26), seeded in the lesion mask, box + {SEARCH_MARGIN_MM:g} mm"


def lesion_parameters(
    image: Volume | Uptake, mask: np.ndarray | Volume | Region
) -> tuple[Parameter, ...]:
    """Return the metabolic parameters of one lesion in one image.

    Parameters
    ----------
    image
        Uptake in SUV.
    mask
        The lesion, [z, y, x] on the grid of ``image``; the same mask serves both images of a pair.

    Returns
    -------
    tuple of Parameter
        ``suv_max``, ``suv_mean``, ``suv_peak`` (IBSI global), ``suv_peak_local``; ``mtv_X`` (ml) and
        ``tlg_X`` (mean SUV times MTV) for X in ``mask`` (the given mask), ``41`` and ``50`` (per cent
        of the image's own SUVmax in the mask), ``2_5`` and ``4_0`` (fixed SUV), the latter four each
        in the image's own region. All values are None with flag ``empty_mask`` for an empty mask.

    Raises
    ------
    MetabolicRefused
        When the image is not in SUV or not finite, or the mask lies elsewhere.
    """
    uptake, region = uptake_of(image), region_of(image, mask)
    if region.n == 0:
        return _nothing(image.unit)
    flags = ("touches_border",) if region.touches_border else ()
    inside = region.values_in(uptake.values)
    total = float(inside.sum())
    first = (
        *_intensities(uptake, region, inside, flags),
        *_volume_and_glycolysis(
            uptake, "mask", "the given mask", total=total, n=region.n, flags=flags
        ),
    )
    return first + _threshold_parameters(uptake, region, float(inside.max()), flags)


def _intensities(
    image: Uptake, region: Region, inside: np.ndarray, flags: tuple[str, ...]
) -> tuple[Parameter, ...]:
    means, whole = peak_means(image.values, image.grid, region.places)
    at_maximum = inside == inside.max()
    peak_flags = (*flags, "sphere_of_one_voxel") if whole == 1 else flags
    n, unit = inside.size, image.unit
    return (
        Parameter("suv_max", float(inside.max()), unit, "highest voxel in the mask", flags, n),
        Parameter("suv_mean", float(inside.mean()), unit, "mean in the mask", flags, n),
        Parameter(
            "suv_peak",
            float(means.max()),
            unit,
            f"IBSI global peak: {_SPHERE}, best centre in the mask",
            peak_flags,
            whole,
        ),
        Parameter(
            "suv_peak_local",
            float(means[at_maximum].max()),
            unit,
            f"IBSI local peak: {_SPHERE}, centred on the maximum",
            peak_flags,
            whole,
        ),
    )


def _threshold_parameters(
    image: Uptake, region: Region, maximum: float, flags: tuple[str, ...]
) -> tuple[Parameter, ...]:
    rules = [
        (k, f * maximum, f"at least {f:.0%} of SUVmax") for k, f in RELATIVE_THRESHOLDS.items()
    ]
    rules += [(k, t, f"at least {image.unit} {t:.1f}") for k, t in FIXED_THRESHOLDS.items()]
    found: list[Parameter] = []
    for key, threshold, words in rules:
        if threshold <= 0:
            method = f"{words}, {_CONNECTED}"
            found += _pair_of_nothing(key, image.unit, method, (*flags, "no_uptake"))
            continue
        own = region_above(image, region, threshold)
        own_flags = (*flags, "region_reaches_box") if own.reached_edge else flags
        method = f"{words}, {_CONNECTED}"
        found += _volume_and_glycolysis(
            image, key, method, total=own.total, n=own.n, flags=own_flags
        )
    return tuple(found)


def _volume_and_glycolysis(
    image: Uptake, key: str, method: str, *, total: float, n: int, flags: tuple[str, ...]
) -> tuple[Parameter, Parameter]:
    voxel_ml = image.grid.voxel_volume_ml
    return (
        Parameter(f"mtv_{key}", n * voxel_ml, "ml", f"voxel count, {method}", flags, n),
        Parameter(
            f"tlg_{key}", total * voxel_ml, f"{image.unit} ml", f"mean x MTV, {method}", flags, n
        ),
    )


def _pair_of_nothing(
    key: str, unit: str, method: str, flags: tuple[str, ...]
) -> tuple[Parameter, Parameter]:
    return (
        Parameter(f"mtv_{key}", None, "ml", method, flags),
        Parameter(f"tlg_{key}", None, f"{unit} ml", method, flags),
    )


def _nothing(unit: str) -> tuple[Parameter, ...]:
    flags, method = ("empty_mask",), "no voxel in the mask"
    names = ("suv_max", "suv_mean", "suv_peak", "suv_peak_local")
    first = tuple(Parameter(name, None, unit, method, flags) for name in names)
    keys = ("mask", *RELATIVE_THRESHOLDS, *FIXED_THRESHOLDS)
    pairs = [_pair_of_nothing(key, unit, method, flags) for key in keys]
    return first + tuple(parameter for pair in pairs for parameter in pair)
