"""The threshold of PERCIST: what stands out from the liver.

Wahl et al., J Nucl Med 2009;50(Suppl 1):122S (PERCIST 1.0): 1.5 times the mean plus two standard
deviations of the liver's lean-body-mass SUV (SUL) in a sphere of 3 cm in the right lobe.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from evaluation.imaging import Grid, Volume
from evaluation.metabolic.regions import Region, Uptake, patient_x_mm, region_of, uptake_of
from evaluation.metabolic.results import MetabolicRefused

LIVER_SPHERE_RADIUS_MM = 15.0
_RECIPE = (
    "1.5 x mean + 2 SD (divisor n) of SUL in the sphere of 3 cm whose centre lies deepest in the "
    "part of the liver mask right of its centre of mass"
)


@dataclass(frozen=True)
class PercistThreshold:
    """The threshold in SUL, the liver that gave it, and the factor from the image's unit to SUL."""

    value: float
    liver_mean: float
    liver_sd: float
    sul_factor: float
    centre_mm: tuple[float, float, float]
    n_voxels: int
    method: str = _RECIPE

    @property
    def in_image_unit(self) -> float:
        """The threshold in the unit of the image it was taken from."""
        return self.value / self.sul_factor


def percist_threshold(
    image: Volume | Uptake, liver: np.ndarray | Volume | Region, *, sul_factor: float | None = None
) -> PercistThreshold:
    """Return the PERCIST threshold of an image from its liver.

    Parameters
    ----------
    image
        In SUL (``SUVlbm``), or in ``SUVbw`` with the factor to SUL.
    liver
        Mask of the whole liver on the grid of ``image``.
    sul_factor
        Lean mass over weight, as :func:`evaluation.imaging.sul_factor` gives it; must be left away
        for an image in SUL.

    Raises
    ------
    MetabolicRefused
        When the factor is missing or superfluous, or no sphere of 3 cm fits into the right part.

    Examples
    --------
    >>> grid = Grid((20, 20, 20), (4.0, 4.0, 4.0))
    >>> flat = Volume(np.full(grid.shape, 2.0, dtype=np.float32), grid, "SUVlbm")
    >>> percist_threshold(flat, np.ones(grid.shape, dtype=bool)).value
    3.0
    """
    uptake = uptake_of(image)
    factor = factor_to_sul(uptake.unit, sul_factor)
    region = region_of(image, liver)
    centre = _deepest(region, uptake.grid)
    inside = _sphere(uptake, centre) * factor
    mean, sd = float(inside.mean()), float(inside.std())
    x, y, z = (uptake.grid.affine() @ np.array([*centre[::-1], 1.0]))[:3]
    place = (float(x), float(y), float(z))
    return PercistThreshold(1.5 * mean + 2 * sd, mean, sd, factor, place, inside.size)


def factor_to_sul(unit: str, sul_factor: float | None) -> float:
    """Return the factor from ``unit`` to SUL, refused where it is not stated exactly once."""
    if unit == "SUVlbm":
        if sul_factor is not None:
            raise MetabolicRefused("an image in SUL needs no factor to SUL")
        return 1.0
    if unit != "SUVbw":
        raise MetabolicRefused(f"PERCIST is measured in SUL or SUVbw, not in {unit}")
    if sul_factor is None:
        raise MetabolicRefused("PERCIST on SUVbw needs the factor to SUL (lean mass over weight)")
    if not (math.isfinite(sul_factor) and sul_factor > 0):
        raise MetabolicRefused(f"the factor to SUL must be above zero, not {sul_factor}")
    return float(sul_factor)


def _deepest(region: Region, grid: Grid) -> np.ndarray:
    """Index (z, y, x) of the voxel of the right part that lies deepest under its surface."""
    if not region.n:
        raise MetabolicRefused("the liver mask is empty, so there is no PERCIST threshold")
    x = patient_x_mm(region.places, grid)
    # Patient x grows to the left: the right part is that of the smaller x.
    right = region.places[x <= x.mean()]
    low = right.min(axis=0)
    # One layer of nothing round the part: the border of the image is a surface, too.
    part = np.zeros(right.max(axis=0) - low + 3, dtype=np.bool_)
    part[tuple((right - low + 1).T)] = True
    depth = ndimage.distance_transform_edt(part, sampling=grid.spacing_mm)
    if depth.max() <= LIVER_SPHERE_RADIUS_MM:
        raise MetabolicRefused("no sphere of 3 cm fits into the right part of the liver mask")
    return np.array(np.unravel_index(int(depth.argmax()), part.shape)) + low - 1


def _sphere(image: Uptake, centre: np.ndarray) -> np.ndarray:
    spacing = np.array(image.grid.spacing_mm)
    reach = (LIVER_SPHERE_RADIUS_MM // spacing).astype(int)
    z, y, x = (slice(int(c - r), int(c + r + 1)) for c, r in zip(centre, reach, strict=True))
    steps = np.ogrid[tuple(slice(-r, r + 1) for r in reach)]
    squared = sum((step * s) ** 2 for step, s in zip(steps, spacing, strict=True))
    near = np.asarray(squared <= LIVER_SPHERE_RADIUS_MM**2)
    return image.values[z, y, x][near].astype(np.float64)
