"""The lung on the other side of a lesion, against which its uptake can be compared."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluation.imaging import Grid, Volume
from evaluation.metabolic.regions import Region, patient_x_mm, region_at, region_of
from evaluation.metabolic.results import MetabolicRefused

Side = Literal["left", "right"]
_DEEPEST_VALLEY = 0.5


def contralateral_lung(
    image: Volume,
    lungs: "np.ndarray | Volume | Region | Lungs",
    lesion: np.ndarray | Volume | Region | None = None,
    *,
    side: Side | None = None,
) -> Region:
    """Return the part of the lung mask that lies on the other side of the midline than the lesion.

    The midline is the sagittal plane with the fewest lung voxels between the centres of mass of the
    two lungs.

    Parameters
    ----------
    image
        Any volume on the grid of the masks.
    lungs
        Mask of both lungs, or its two sides from :func:`lungs_of`.
    lesion
        The lesion; left away when ``side`` says where it lies.
    side
        The patient's side of the lesion.

    Raises
    ------
    MetabolicRefused
        When the lesion straddles the midline or is empty, when the mask does not show two lungs, or
        when neither or both of ``lesion`` and ``side`` are given.
    """
    if (lesion is None) == (side is None):
        raise MetabolicRefused("the contralateral lung needs either the lesion or its side")
    both = lungs if isinstance(lungs, Lungs) else lungs_of(image, lungs)
    if lesion is not None:
        side = _side_of(region_of(image, lesion), image.grid, both.midline_mm)
    return both.right if side == "left" else both.left


@dataclass(frozen=True, eq=False)
class Lungs:
    """The lung voxels on both sides of the midline (patient x in mm), found once for many lesions."""

    midline_mm: float
    left: Region
    right: Region


def lungs_of(image: Volume, mask: np.ndarray | Volume | Region) -> Lungs:
    """Return a mask of both lungs as its two sides, refused when it does not show two lungs."""
    region = region_of(image, mask)
    x = patient_x_mm(region.places, image.grid)
    midline = _midline_mm(x, image.grid.spacing_mm[2])
    # Patient x grows to the left.
    left, right = (region_at(region.places[s], region.shape) for s in (x > midline, x < midline))
    return Lungs(midline, left, right)


def lungs_of_sides(
    image: Volume, *, left: np.ndarray | Volume | Region, right: np.ndarray | Volume | Region
) -> Lungs:
    """Return two masks, one per lung, as the lungs; the midline is half-way between them."""
    regions = region_of(image, left), region_of(image, right)
    if not all(region.n for region in regions):
        raise MetabolicRefused("the mask of one lung is empty")
    of_left, of_right = (patient_x_mm(region.places, image.grid) for region in regions)
    if of_left.mean() <= of_right.mean():
        raise MetabolicRefused("the mask of the left lung does not lie left of that of the right")
    return Lungs(float(of_left.min() + of_right.max()) / 2, *regions)


def _side_of(lesion: Region, grid: Grid, midline: float) -> Side:
    if not lesion.n:
        raise MetabolicRefused("the lesion mask is empty, so no lung is contralateral")
    x = patient_x_mm(lesion.places, grid)
    if x.min() > midline:
        return "left"
    if x.max() < midline:
        return "right"
    raise MetabolicRefused("the lesion straddles the midline: neither lung is contralateral")


def _midline_mm(x: np.ndarray, width: float) -> float:
    """Return the patient x of the sagittal plane between the lungs, from the x of their voxels."""
    if not x.size:
        raise MetabolicRefused("the lung mask is empty")
    bins = np.rint((x - x.min()) / width).astype(np.int64)
    counts = np.bincount(bins)
    middle = (len(counts) - 1) / 2
    centres = [bins[bins <= middle], bins[bins > middle]]
    if min(part.size for part in centres) == 0:
        raise MetabolicRefused("the lung mask does not show two lungs")
    first, second = (round(float(part.mean())) for part in centres)
    between = counts[first : second + 1]
    fewest = np.flatnonzero(between == between.min())
    peaks = min(counts[: first + 1].max(), counts[second:].max())
    if between.min() > _DEEPEST_VALLEY * peaks:
        raise MetabolicRefused("the lung mask does not show two lungs")
    return float(x.min() + width * (first + fewest.mean()))
