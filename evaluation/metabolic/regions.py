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


@dataclass(frozen=True, eq=False)
class ThresholdRegion:
    """The voxels above a threshold inside a box of the image, their sum, their number.

    ``reached_edge`` says that the region touches a face of its box, so that it may go on behind it.
    """

    box: Box
    inside: np.ndarray
    total: float
    n: int
    reached_edge: bool

    def region(self, shape: tuple[int, ...]) -> Region:
        """Return the voxels as a region of the image."""
        low = [span.start for span in self.box]
        return region_at(np.argwhere(self.inside) + np.array(low), shape)


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
    if mask.dtype.kind == "f" and not np.isfinite(mask).all():
        raise MetabolicRefused("the mask holds values that are no finite numbers")
    return region_at(np.stack(np.unravel_index(np.flatnonzero(mask), shape), axis=1), shape)


def region_at(places: np.ndarray, shape: tuple[int, ...]) -> Region:
    """Return the region of the voxels at ``places`` (n, 3), in z, y, x, of an image of ``shape``."""
    if not len(places):
        empty = (slice(0, 0), slice(0, 0), slice(0, 0))
        return Region(places, empty, np.zeros((0, 0, 0), dtype=np.bool_), shape)
    # Column by column: reducing (n, 3) along n is many times slower.
    low = np.array([column.min() for column in places.T])
    high = np.array([column.max() for column in places.T]) + 1
    z, y, x = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    inside = np.zeros(high - low, dtype=np.bool_)
    inside[tuple((places - low).T)] = True
    return Region(places, (z, y, x), inside, shape)


def region_above(image: Uptake, region: Region, threshold: float) -> ThresholdRegion:
    """Return the voxels at or above ``threshold`` that hang together with the lesion.

    Searched is the box round the lesion mask, 10 mm wider on each side; counted are the parts
    (26-neighbourhood) that share a voxel with the mask. Nothing above the threshold is a region of
    no voxels, which is a volume of zero, not a missing value.
    """
    box = wider(region, image.grid)
    return grown(image, box, seeds_in(region, box), threshold)


def grown(image: Uptake, box: Box, seeds: np.ndarray, threshold: float) -> ThresholdRegion:
    """Return the parts at or above ``threshold`` inside ``box`` that share a voxel with ``seeds``."""
    values = image.values[box]
    labels, _ = ndimage.label(values >= threshold, structure=_NEIGHBOURS_26)
    seeded = np.unique(labels[seeds])
    found = np.isin(labels, seeded[seeded > 0])
    total = float(values[found].sum(dtype=np.float64))
    edge = int(found[1:-1, 1:-1, 1:-1].sum()) < int(found.sum())
    return ThresholdRegion(box, found, total, int(found.sum()), edge)


def seeds_in(region: Region, box: Box) -> np.ndarray:
    """Return the voxels of a region that lie in a box, in the box's own indices."""
    low, high = (np.array([getattr(s, end) for s in box]) for end in ("start", "stop"))
    seeds = np.zeros(high - low, dtype=np.bool_)
    kept = region.places[np.all((region.places >= low) & (region.places < high), axis=1)]
    seeds[tuple((kept - low).T)] = True
    return seeds


def wider(region: Region, grid: Grid, margin_mm: float = SEARCH_MARGIN_MM) -> Box:
    """Return the box of a region, wider by a margin on each side and cut at the image."""
    spans = []
    for span, spacing, size in zip(region.box, grid.spacing_mm, grid.shape, strict=True):
        margin = int(np.ceil(margin_mm / spacing))
        spans.append(slice(max(span.start - margin, 0), min(span.stop + margin, size)))
    return (spans[0], spans[1], spans[2])


def patient_x_mm(places: np.ndarray, grid: Grid) -> np.ndarray:
    """Return how far to the patient's left each voxel lies (the x of DICOM, mm)."""
    along, origin = grid.affine()[0, 2::-1], grid.affine()[0, 3]
    return np.asarray(places.astype(np.float64) @ along + origin)
