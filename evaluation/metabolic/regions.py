"""Images and regions made ready once and measured often, and the region under a threshold."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from evaluation.imaging import Grid, Volume
from evaluation.metabolic.results import MetabolicRefused

SEARCH_MARGIN_MM = 10.0
_NEIGHBOURS_26 = np.ones((3, 3, 3), dtype=np.bool_)
Box = tuple[slice, slice, slice]


@dataclass(frozen=True, eq=False)
class Uptake:
    """An image that is known to hold finite SUV; made by :func:`uptake_of`."""

    values: np.ndarray
    grid: Grid
    unit: str


@dataclass(frozen=True, eq=False)
class Region:
    """Voxels of a mask as indices (n, 3) in z, y, x, and the smallest box round them.

    Made by :func:`region_of`; measuring it touches its own voxels only, not the whole image.
    """

    places: np.ndarray
    box: Box
    inside: np.ndarray
    shape: tuple[int, ...]

    @property
    def n(self) -> int:
        """Number of voxels."""
        return len(self.places)

    @property
    def touches_border(self) -> bool:
        """Whether a voxel lies in the outermost layer of the image."""
        edge = (self.places == 0) | (self.places == np.array(self.shape) - 1)
        return bool(edge.any())

    def values_in(self, values: np.ndarray) -> np.ndarray:
        """Return the values of the region's voxels as float64 (n,)."""
        z, y, x = self.places.T
        return values[z, y, x].astype(np.float64)


@dataclass(frozen=True)
class ThresholdRegion:
    """Sum and number of the voxels above a threshold, and whether they reached their box's edge."""

    total: float
    n: int
    reached_edge: bool


def uptake_of(image: Volume | Uptake) -> Uptake:
    """Return an image ready to be measured, refused unless it holds finite SUV."""
    if isinstance(image, Uptake):
        return image
    if not image.unit.startswith("SUV"):
        raise MetabolicRefused(f"metabolic parameters are measured in SUV, not in {image.unit}")
    if not np.isfinite(np.sum(image.array, dtype=np.float64)):
        raise MetabolicRefused("the image holds values that are no finite numbers")
    return Uptake(image.array, image.grid, image.unit)


def region_of(image: Volume | Uptake, mask: np.ndarray | Volume | Region) -> Region:
    """Return a mask as a region of the image, refused on another grid or of another shape."""
    shape = image.grid.shape
    if isinstance(mask, Region):
        return mask
    if isinstance(mask, Volume):
        if not mask.grid.same_as(image.grid):
            raise MetabolicRefused("the mask lies on another grid than the image")
        mask = mask.array
    if mask.shape != shape:
        raise MetabolicRefused(f"the mask has shape {mask.shape}, the image {shape}")
    flat = np.flatnonzero(mask)
    places = np.stack(np.unravel_index(flat, shape), axis=1)
    if not flat.size:
        empty = (slice(0, 0), slice(0, 0), slice(0, 0))
        return Region(places, empty, np.zeros((0, 0, 0), dtype=np.bool_), shape)
    low, high = places.min(axis=0), places.max(axis=0) + 1
    z, y, x = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return Region(places, (z, y, x), np.asarray(mask[z, y, x]) != 0, shape)


def region_above(image: Uptake, region: Region, threshold: float) -> ThresholdRegion:
    """Return the voxels at or above ``threshold`` that hang together with the lesion.

    Searched is the box round the lesion mask, 10 mm wider on each side; counted are the parts
    (26-neighbourhood) that share a voxel with the mask. Nothing above the threshold is a region of
    no voxels, which is a volume of zero, not a missing value.
    """
    box, mask = _wider(region, image.grid)
    values = image.values[box]
    labels, _ = ndimage.label(values >= threshold, structure=_NEIGHBOURS_26)
    seeded = np.unique(labels[mask])
    found = np.isin(labels, seeded[seeded > 0])
    total = float(values[found].sum(dtype=np.float64))
    edge = int(found[1:-1, 1:-1, 1:-1].sum()) < int(found.sum())
    return ThresholdRegion(total, int(found.sum()), edge)


def _wider(region: Region, grid: Grid) -> tuple[Box, np.ndarray]:
    """The box of a region with the search margin, cut at the image, and the region in it."""
    spans, padding = [], []
    for span, spacing, size in zip(region.box, grid.spacing_mm, grid.shape, strict=True):
        margin = int(np.ceil(SEARCH_MARGIN_MM / spacing))
        start, stop = max(span.start - margin, 0), min(span.stop + margin, size)
        spans.append(slice(start, stop))
        padding.append((span.start - start, stop - span.stop))
    return (spans[0], spans[1], spans[2]), np.pad(region.inside, padding)
