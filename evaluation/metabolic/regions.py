"""The region of a lesion under a threshold: connected, and seeded in the lesion."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from evaluation.imaging import Grid

SEARCH_MARGIN_MM = 10.0
_NEIGHBOURS_26 = np.ones((3, 3, 3), dtype=np.bool_)


@dataclass(frozen=True)
class Region:
    """Sum and number of the voxels of a region, and whether it reached the edge of its box."""

    total: float
    n: int
    reached_edge: bool


def region_above(values: np.ndarray, mask: np.ndarray, grid: Grid, threshold: float) -> Region:
    """Return the voxels at or above ``threshold`` that hang together with the lesion.

    Searched is the box round the lesion mask, 10 mm wider on each side; counted are the parts
    (26-neighbourhood) that share a voxel with the mask. Nothing above the threshold is a region of
    no voxels, which is a volume of zero, not a missing value.
    """
    box = _box(mask, grid)
    above = values[box] >= threshold
    labels, _ = ndimage.label(above, structure=_NEIGHBOURS_26)
    seeded = np.unique(labels[mask[box]])
    region = np.isin(labels, seeded[seeded > 0])
    total = float(values[box][region].sum(dtype=np.float64))
    return Region(total, int(region.sum()), _at_edge(region))


def _box(mask: np.ndarray, grid: Grid) -> tuple[slice, ...]:
    spans = []
    for found, spacing in zip(
        ndimage.find_objects(mask.astype(np.uint8))[0], grid.spacing_mm, strict=True
    ):
        margin = int(np.ceil(SEARCH_MARGIN_MM / spacing))
        spans.append(slice(max(found.start - margin, 0), found.stop + margin))
    return tuple(spans)


def _at_edge(region: np.ndarray) -> bool:
    inner = region[1:-1, 1:-1, 1:-1]
    return int(inner.sum()) < int(region.sum())
