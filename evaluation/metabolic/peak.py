"""SUVpeak: the mean in a sphere of 1 cm3, in the two variants of the IBSI.

Image Biomarker Standardisation Initiative, reference manual: local intensity peak (sphere centred on
the maximum, the highest of several equal maxima) and global intensity peak (highest mean of any
sphere centred in the region).
"""

from dataclasses import dataclass

import numpy as np

from evaluation.imaging import Grid

SPHERE_RADIUS_MM = 6.2035  # (3 / (4 pi))^(1/3) cm


@dataclass(frozen=True, eq=False)
class PeakMeans:
    """The mean in the sphere round each centre, its voxels, and those of a whole sphere."""

    means: np.ndarray
    counts: np.ndarray
    whole: int


def peak_means(values: np.ndarray, grid: Grid, centres: np.ndarray) -> PeakMeans:
    """Return the sphere mean at each centre.

    ``centres`` are indices (n, 3) in the order z, y, x. A voxel belongs to the sphere when its
    centre lies within 6.2035 mm; the sphere may leave the region and is cut at the image border.
    """
    reach = [int(SPHERE_RADIUS_MM // s) for s in grid.spacing_mm]
    steps = np.stack(np.meshgrid(*[np.arange(-r, r + 1) for r in reach], indexing="ij"), axis=-1)
    distance = np.linalg.norm(steps.reshape(-1, 3) * np.array(grid.spacing_mm), axis=1)
    offsets = steps.reshape(-1, 3)[distance <= SPHERE_RADIUS_MM]
    total, count = np.zeros(len(centres)), np.zeros(len(centres))
    for offset in offsets:
        place = centres + offset
        inside = np.all((place >= 0) & (place < values.shape), axis=1)
        z, y, x = place[inside].T
        total[inside] += values[z, y, x]
        count[inside] += 1
    return PeakMeans(total / count, count, len(offsets))
