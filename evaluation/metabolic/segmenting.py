"""A region grown round a seed above a threshold: mask and recipe together."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluation.imaging import Volume
from evaluation.metabolic.percist import PercistThreshold
from evaluation.metabolic.regions import (
    SEARCH_MARGIN_MM,
    Box,
    Region,
    ThresholdRegion,
    Uptake,
    grown,
    region_of,
    seeds_in,
    uptake_of,
    wider,
)
from evaluation.metabolic.results import MetabolicRefused

Method = Literal["41", "50", "fixed", "percist"]
_FRACTIONS = {"41": 0.41, "50": 0.50}


@dataclass(frozen=True, eq=False)
class Segmented:
    """The mask, the threshold it was grown with (in ``unit``) and how."""

    mask: Volume
    threshold: float
    unit: str
    method: str
    flags: tuple[str, ...]
    n_voxels: int
    volume_ml: float


def segment(
    image: Volume | Uptake,
    *,
    method: Method,
    seed: np.ndarray | Volume | Region | None = None,
    box: Box | None = None,
    threshold: float | None = None,
    percist: PercistThreshold | None = None,
    margin_mm: float = SEARCH_MARGIN_MM,
) -> Segmented:
    """Grow a region (26-neighbourhood) of all voxels at or above a threshold, inside a box.

    Parameters
    ----------
    image
        Uptake in SUV.
    method
        ``41`` or ``50`` (per cent of the highest value in the seed), ``fixed`` (with
        ``threshold``), ``percist`` (with ``percist``).
    seed
        Mask that the region has to share a voxel with; without one, the highest voxel of ``box``.
    box
        Three slices (z, y, x) that the region never leaves; without one, the box of the seed and
        ``margin_mm`` round it.
    threshold
        In the unit of the image, for ``fixed``.
    percist
        The threshold of this image's liver, for ``percist``.
    margin_mm
        Width of the margin where no box is given.

    Returns
    -------
    Segmented
        Flags: ``region_reaches_box`` (it may go on behind a face of the box), ``touches_border``
        (of the image), ``nothing_above_threshold`` (the mask is empty).

    Raises
    ------
    MetabolicRefused
        When neither seed nor box is given, the seed is empty or outside the box, there is no
        uptake above zero, or the threshold that the method needs is not given.
    """
    uptake = uptake_of(image)
    region = None if seed is None else region_of(image, seed)
    spans = _box(uptake, region, box, margin_mm)
    seeds = _seeds(uptake, region, spans)
    level, words = _level(uptake, spans, seeds, method=method, threshold=threshold, percist=percist)
    found = grown(uptake, spans, seeds, level)
    where = "the given box" if box is not None else f"the seed's box + {margin_mm:g} mm"
    start = "the seed mask" if seed is not None else "the highest voxel of the box"
    recipe = f"{words}, connected (26) with {start}, inside {where}"
    return _segmented(uptake, found, level, recipe)


def _box(image: Uptake, region: Region | None, box: Box | None, margin_mm: float) -> Box:
    if region is not None and not region.n:
        raise MetabolicRefused("the seed mask is empty")
    if box is None:
        if region is None:
            raise MetabolicRefused("a segmentation needs a seed mask or a box")
        return wider(region, image.grid, margin_mm)
    spans = []
    for span, size in zip(box, image.grid.shape, strict=True):
        start, stop, step = span.indices(size)
        if step != 1 or stop <= start:
            raise MetabolicRefused("the box holds no voxel of the image")
        spans.append(slice(start, stop))
    return (spans[0], spans[1], spans[2])


def _seeds(image: Uptake, region: Region | None, box: Box) -> np.ndarray:
    if region is None:
        values = image.values[box]
        return np.asarray(values == values.max())
    seeds = seeds_in(region, box)
    if not seeds.any():
        raise MetabolicRefused("the seed mask lies outside the box")
    return seeds


def _level(
    image: Uptake,
    box: Box,
    seeds: np.ndarray,
    *,
    method: Method,
    threshold: float | None,
    percist: PercistThreshold | None,
) -> tuple[float, str]:
    if (threshold is not None) != (method == "fixed"):
        raise MetabolicRefused("a threshold is given with the method fixed, and only with it")
    if (percist is not None) != (method == "percist"):
        raise MetabolicRefused("a liver is given with the method percist, and only with it")
    if percist is not None:
        words = f"at least SUL {percist.value:.4g} (PERCIST: {percist.method})"
        return percist.in_image_unit, words
    if threshold is not None:
        level, words = float(threshold), f"at least {image.unit} {threshold:g}"
    elif method in _FRACTIONS:
        fraction = _FRACTIONS[method]
        highest = float(image.values[box][seeds].max())
        level, words = fraction * highest, f"at least {fraction:.0%} of SUVmax {highest:.4g}"
    else:
        raise MetabolicRefused(f"the method is 41, 50, fixed or percist, not {method}")
    if not level > 0:
        raise MetabolicRefused("a threshold of zero or less would take everything")
    return level, words


def _segmented(image: Uptake, found: ThresholdRegion, level: float, recipe: str) -> Segmented:
    mask = np.zeros(image.grid.shape, dtype=np.bool_)
    mask[found.box] = found.inside
    flags = [] if found.n else ["nothing_above_threshold"]
    if found.reached_edge:
        flags.append("region_reaches_box")
    if found.n and found.region(image.grid.shape).touches_border:
        flags.append("touches_border")
    return Segmented(
        mask=Volume(mask, image.grid, "mask"),
        threshold=level,
        unit=image.unit,
        method=recipe,
        flags=tuple(flags),
        n_voxels=found.n,
        volume_ml=found.n * image.grid.voxel_volume_ml,
    )
