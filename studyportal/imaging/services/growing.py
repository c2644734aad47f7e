"""Proposes a region round a point of the PET; nothing is kept until a person has looked at it."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluation.imaging import Grid, Series, SuvRefused, Volume, sul_factor
from evaluation.metabolic import (
    MetabolicRefused,
    PercistThreshold,
    Segmented,
    percist_threshold,
    segment,
)
from studyportal.core.errors import Reason, Refused
from studyportal.core.models import User
from studyportal.imaging.models import ScanPair
from studyportal.imaging.selectors import accepted_series, latest_outlines
from studyportal.imaging.services.outlines import masks_of
from studyportal.imaging.services.uptake import read_reference
from studyportal.imaging.states import SeriesRole
from studyportal.sites.rules import Action
from studyportal.sites.services import require

Method = Literal["41", "50", "fixed", "percist"]
METHODS: tuple[Method, ...] = ("41", "50", "fixed", "percist")
SNAP_MM = 10.0
REACH_MM = (10.0, 150.0)


@dataclass(frozen=True)
class GrowthRequest:
    """Where a person pointed (x, y, z in mm, LPS), by which method, and how far the region may go."""

    at_mm: tuple[float, float, float]
    method: Method
    reach_mm: float
    threshold: float | None = None


def grow_region(*, pair: ScanPair, request: GrowthRequest, by: User) -> Segmented:
    """Return the region that the method finds from the brightest voxel near the point.

    Raises
    ------
    Refused
        When the pair has no PET in SUV, the point lies outside it, or the method lacks what it needs.
    """
    require(by, Action.OUTLINE_LESIONS, site=pair.participant.site)
    reference = accepted_series(pair, SeriesRole.REFERENCE)
    if reference is None:
        raise Refused(Reason("no_pet", "There is no accepted PET to outline on."))
    if not all(map(math.isfinite, request.at_mm)) or not math.isfinite(request.reach_mm):
        raise Refused(Reason("point", "The point is no place in the PET."))
    series = read_reference(reference)
    try:
        image = series.suv_volume()
        percist = _liver_threshold(pair, series, image) if request.method == "percist" else None
        found = _grown(image, request, percist)
    except (MetabolicRefused, SuvRefused) as refusal:
        raise Refused(Reason("growth", _sentence(str(refusal)))) from refusal
    if not found.n_voxels:
        raise Refused(
            Reason("nothing", "Nothing near this point reaches the threshold. Point at the lesion.")
        )
    return found


def _grown(image: Volume, request: GrowthRequest, percist: PercistThreshold | None) -> Segmented:
    reach = min(max(request.reach_mm, REACH_MM[0]), REACH_MM[1])
    centre = _index(image.grid, request.at_mm)
    box = _box(image.grid, centre, reach)
    return segment(
        image,
        method=request.method,
        seed=_brightest_near(image, centre),
        box=box,
        threshold=request.threshold if request.method == "fixed" else None,
        percist=percist,
    )


def _index(grid: Grid, at_mm: tuple[float, float, float]) -> np.ndarray:
    """Index (z, y, x) of the voxel at a place; refused outside the image."""
    place = (np.linalg.inv(grid.affine()) @ np.array([*at_mm, 1.0]))[2::-1]
    index = np.rint(place).astype(int)
    if (index < 0).any() or (index >= np.array(grid.shape)).any():
        raise Refused(Reason("point", "The point lies outside the PET."))
    return index


def _box(grid: Grid, centre: np.ndarray, reach_mm: float) -> tuple[slice, slice, slice]:
    reach = np.ceil(reach_mm / np.array(grid.spacing_mm)).astype(int)
    low = np.maximum(centre - reach, 0)
    high = np.minimum(centre + reach + 1, grid.shape)
    z, y, x = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return z, y, x


def _brightest_near(image: Volume, centre: np.ndarray) -> np.ndarray:
    """Mask of the one voxel that is brightest within `SNAP_MM` of the point, so that nobody has to aim."""
    box = _box(image.grid, centre, SNAP_MM)
    near = image.array[box]
    steps = np.ogrid[box]
    away = zip(steps, centre, image.grid.spacing_mm, strict=True)
    inside = sum(((axis - middle) * edge) ** 2 for axis, middle, edge in away) <= SNAP_MM**2
    found = np.unravel_index(np.argmax(np.where(inside, near, -np.inf)), near.shape)
    seed = np.zeros(image.grid.shape, dtype=np.bool_)
    seed[tuple(k + span.start for k, span in zip(found, box, strict=True))] = True
    return seed


def _liver_threshold(pair: ScanPair, series: Series, image: Volume) -> PercistThreshold:
    outlines = latest_outlines(pair)
    liver = masks_of(outlines).get("organ:liver") if outlines else None
    if liver is None:
        raise Refused(
            Reason("no_liver", "PERCIST needs the liver: outline the region organ:liver first.")
        )
    return percist_threshold(image, liver, sul_factor=sul_factor(series.header))


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}".rstrip(".") + "."
