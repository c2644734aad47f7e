"""Metabolic parameters of a lesion: SUVmax, SUVmean, SUVpeak, metabolic volume, lesion glycolysis."""

from dataclasses import dataclass

import numpy as np

from evaluation.imaging import Volume
from evaluation.metabolic.peak import SPHERE_RADIUS_MM, peak_means
from evaluation.metabolic.percist import PercistThreshold
from evaluation.metabolic.regions import (
    SEARCH_MARGIN_MM,
    Region,
    Uptake,
    region_above,
    region_at,
    region_of,
    uptake_of,
)
from evaluation.metabolic.results import Parameter

RELATIVE_THRESHOLDS = {"41": 0.41, "50": 0.50}
MEAN_OF = "41"  # the rule in whose region the mean is given as well
FIXED_THRESHOLDS = {"2_5": 2.5, "4_0": 4.0}
_SPHERE = f"mean in a sphere of {SPHERE_RADIUS_MM} mm, voxel centres, cut at the image border"
_CONNECTED = f"connected (26), seeded in the lesion mask, box + {SEARCH_MARGIN_MM:g} mm"


def lesion_parameters(
    image: Volume | Uptake,
    mask: np.ndarray | Volume | Region,
    *,
    percist: PercistThreshold | None = None,
    reference_region: Region | None = None,
) -> tuple[Parameter, ...]:
    """Return the metabolic parameters of one lesion in one image.

    Parameters
    ----------
    image
        Uptake in SUV.
    mask
        The lesion, [z, y, x] on the grid of ``image``; the same mask serves both images of a pair.
    percist
        The threshold of this image's liver; with it come ``mtv_percist`` and ``tlg_percist`` (SUL).
    reference_region
        The region that a threshold found in the *reference* image (:func:`own_region`), laid on this
        one: with it come ``suv_mean_ref41``, ``mtv_ref41`` and ``tlg_ref41``.

    Returns
    -------
    tuple of Parameter
        ``suv_max``, ``suv_mean``, ``suv_peak`` (IBSI global), ``suv_peak_local``; ``mtv_X`` (ml) and
        ``tlg_X`` (mean SUV times MTV) for X in ``mask`` (the given mask), ``41`` and ``50`` (per cent
        of the image's own SUVmax in the mask), ``2_5`` and ``4_0`` (fixed SUV), the latter four each
        in the image's own region; ``suv_mean_41`` in the region of ``mtv_41``. All values are None
        with flag ``empty_mask`` for an empty mask.

    Raises
    ------
    MetabolicRefused
        When the image is not in SUV or not finite, or the mask lies elsewhere.
    """
    uptake, region = uptake_of(image), region_of(image, mask)
    rules = _rules(uptake, region, percist)
    if region.n == 0:
        return _nothing(uptake.unit, rules, with_reference=reference_region is not None)
    flags = ("touches_border",) if region.touches_border else ()
    inside = region.values_in(uptake.values)
    given = _Found(float(inside.sum()), region.n, flags)
    first = (
        *_intensities(uptake, region, inside, flags),
        *_volume_and_glycolysis(uptake, "mask", "the given mask", given),
    )
    own = tuple(p for rule in rules for p in _threshold_parameters(uptake, region, rule, flags))
    return first + own + _of_the_reference(uptake, reference_region)


def own_region(
    image: Volume | Uptake, mask: np.ndarray | Volume | Region, fraction: float = 0.41
) -> Region:
    """Return the region of an image at or above a share of its SUVmax in a lesion mask.

    Taken from the reference image and handed to :func:`lesion_parameters` for both images, it is
    the one set of voxels in which they are compared. Empty where the mask is or has no uptake.
    """
    uptake, region = uptake_of(image), region_of(image, mask)
    highest = float(region.values_in(uptake.values).max(initial=0.0))
    if highest <= 0:
        return region_at(region.places[:0], region.shape)
    return region_above(uptake, region, fraction * highest).region(region.shape)


@dataclass(frozen=True)
class _Rule:
    """A threshold in the image's unit, and the factor and unit in which its glycolysis is told."""

    key: str
    threshold: float
    words: str
    factor: float = 1.0
    unit: str = ""


@dataclass(frozen=True)
class _Found:
    """Sum and number of the voxels of a region, and what to beware of."""

    total: float
    n: int
    flags: tuple[str, ...]


def _rules(image: Uptake, region: Region, percist: PercistThreshold | None) -> list[_Rule]:
    highest = float(region.values_in(image.values).max()) if region.n else 0.0
    rules = [
        _Rule(k, f * highest, f"at least {f:.0%} of SUVmax") for k, f in RELATIVE_THRESHOLDS.items()
    ]
    rules += [_Rule(k, t, f"at least {image.unit} {t:.1f}") for k, t in FIXED_THRESHOLDS.items()]
    if percist is not None:
        words = f"at least SUL {percist.value:.4g} (PERCIST: {percist.method})"
        factor = percist.sul_factor
        rules.append(_Rule("percist", percist.in_image_unit, words, factor, "SUVlbm"))
    return rules


def _intensities(
    image: Uptake, region: Region, inside: np.ndarray, flags: tuple[str, ...]
) -> tuple[Parameter, ...]:
    peaks = peak_means(image.values, image.grid, region.places)
    best = int(peaks.means.argmax())
    at_maximum = np.flatnonzero(inside == inside.max())
    local = int(at_maximum[peaks.means[at_maximum].argmax()])
    n, unit = inside.size, image.unit
    found = [
        Parameter("suv_max", float(inside.max()), unit, "highest voxel in the mask", flags, n),
        Parameter("suv_mean", float(inside.mean()), unit, "mean in the mask", flags, n),
    ]
    for name, centre, words in (
        ("suv_peak", best, "IBSI global peak: {}, best centre in the mask"),
        ("suv_peak_local", local, "IBSI local peak: {}, centred on the maximum"),
    ):
        value, count = float(peaks.means[centre]), int(peaks.counts[centre])
        of_sphere: tuple[str, ...] = ("sphere_of_one_voxel",) if peaks.whole == 1 else ()
        of_sphere += ("sphere_cut_at_border",) if count < peaks.whole else ()
        found.append(Parameter(name, value, unit, words.format(_SPHERE), flags + of_sphere, count))
    return tuple(found)


def _threshold_parameters(
    image: Uptake, region: Region, rule: _Rule, flags: tuple[str, ...]
) -> tuple[Parameter, ...]:
    method = f"{rule.words}, {_CONNECTED}"
    if rule.threshold <= 0:
        return _without_value(image.unit, rule, method, (*flags, "no_uptake"))
    own = region_above(image, region, rule.threshold)
    found = _Found(own.total, own.n, (*flags, "region_reaches_box") if own.reached_edge else flags)
    both = _volume_and_glycolysis(
        image, rule.key, method, found, factor=rule.factor, unit=rule.unit
    )
    if rule.key != MEAN_OF:
        return both
    mean = found.total / found.n if found.n else None
    return (
        *both,
        Parameter(f"suv_mean_{rule.key}", mean, image.unit, method, found.flags, found.n),
    )


def _of_the_reference(image: Uptake, region: Region | None) -> tuple[Parameter, ...]:
    if region is None:
        return ()
    method = f"region of the reference image, at least 41% of its SUVmax, {_CONNECTED}"
    flags = ("touches_border",) if region.touches_border else ()
    if region.n == 0:
        rule = _Rule("ref41", 0.0, "")
        return _without_value(image.unit, rule, method, ("empty_reference_region",))
    total = float(region.values_in(image.values).sum())
    found = _Found(total, region.n, flags)
    mean = Parameter("suv_mean_ref41", total / region.n, image.unit, method, flags, region.n)
    return (*_volume_and_glycolysis(image, "ref41", method, found), mean)


def _volume_and_glycolysis(
    image: Uptake, key: str, method: str, found: _Found, *, factor: float = 1.0, unit: str = ""
) -> tuple[Parameter, Parameter]:
    voxel_ml, flags, n = image.grid.voxel_volume_ml, found.flags, found.n
    glycolysis, unit = found.total * factor * voxel_ml, f"{unit or image.unit} ml"
    return (
        Parameter(f"mtv_{key}", n * voxel_ml, "ml", f"voxel count, {method}", flags, n),
        Parameter(f"tlg_{key}", glycolysis, unit, f"mean x MTV, {method}", flags, n),
    )


def _without_value(
    unit: str, rule: _Rule, method: str, flags: tuple[str, ...]
) -> tuple[Parameter, ...]:
    both = (
        Parameter(f"mtv_{rule.key}", None, "ml", method, flags),
        Parameter(f"tlg_{rule.key}", None, f"{rule.unit or unit} ml", method, flags),
    )
    if rule.key not in (MEAN_OF, "ref41"):
        return both
    return (*both, Parameter(f"suv_mean_{rule.key}", None, unit, method, flags))


def _nothing(unit: str, rules: list[_Rule], *, with_reference: bool) -> tuple[Parameter, ...]:
    flags, method = ("empty_mask",), "no voxel in the mask"
    names = ("suv_max", "suv_mean", "suv_peak", "suv_peak_local")
    first = tuple(Parameter(name, None, unit, method, flags) for name in names)
    keys = [_Rule("mask", 0.0, ""), *rules]
    if with_reference:
        keys.append(_Rule("ref41", 0.0, ""))
    return first + tuple(p for rule in keys for p in _without_value(unit, rule, method, flags))
