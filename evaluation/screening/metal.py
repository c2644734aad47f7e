"""Metal in a CT and the streaks it throws."""

import numpy as np
from scipy import ndimage

from evaluation.imaging import Volume
from evaluation.screening.results import Measured

METAL_HU = 2500.0
_SOFT_HU = (-150.0, 250.0)
_FEWEST_VOXELS = 200
_WINDOW_MM = 10.0
_CLEARANCE_MM = 4.0


def metal_of(ct: Volume) -> Measured:
    """Return the volume of metal and how much noisier soft tissue is in its slices.

    Metal is every voxel above 2500 HU; dense bone ends near 2000 HU. ``streak_ratio`` is the robust
    spread of soft tissue (-150 to 250 HU) about its 10 mm mean in the slices with at least 0.05 ml of
    metal, 4 mm away from it, over that of the twelve slices
    without that lie nearest (medians of both); 1 where there is no metal.

    Parameters
    ----------
    ct
        In HU, on its own grid.
    """
    per_slice = (ct.array > METAL_HU).sum(axis=(1, 2)) * ct.grid.voxel_volume_ml
    shown = np.flatnonzero(per_slice >= 0.05)
    values = {"metal_ml": float(per_slice.sum()), "slices": float(shown.size), "streak_ratio": 1.0}
    if values["metal_ml"] > 0:
        values["first_z_mm"], values["last_z_mm"] = _heights(ct, np.flatnonzero(per_slice))
    if not shown.size:
        return Measured(values)
    with_metal = _spreads(ct, _some(shown))
    without = _spreads(ct, _nearest(np.flatnonzero(per_slice == 0.0), shown))
    if with_metal.size and without.size:
        values["streak_ratio"] = float(np.median(with_metal) / max(np.median(without), 1.0))
    return Measured(values)


def _some(slices: np.ndarray) -> np.ndarray:
    """Return at most 24 slices, evenly taken."""
    return (
        slices[np.unique(np.linspace(0, slices.size - 1, 24).astype(int))]
        if slices.size
        else slices
    )


def _nearest(rest: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Return the twelve slices without metal that lie nearest to those with, so that the anatomy is alike."""
    away = np.abs(rest[:, None] - shown[None]).min(axis=1)
    return rest[np.argsort(away, kind="stable")[:12]]


def _heights(ct: Volume, slices: np.ndarray) -> tuple[float, float]:
    heights = [float((ct.grid.affine() @ np.array([0, 0, int(k), 1.0]))[2]) for k in slices]
    return min(heights), max(heights)


def _spreads(ct: Volume, slices: np.ndarray) -> np.ndarray:
    """Robust standard deviation (HU) of soft tissue about its local mean, per slice that has enough."""
    row_mm = ct.grid.spacing_mm[1]
    window = max(round(_WINDOW_MM / row_mm), 3)
    found = []
    for k in slices:
        plane = ct.array[k].astype(np.float32)
        local = ndimage.uniform_filter(plane, window)
        soft = (local > _SOFT_HU[0]) & (local < _SOFT_HU[1])
        near = ndimage.binary_dilation(
            plane > METAL_HU, iterations=max(round((_CLEARANCE_MM + _WINDOW_MM / 2) / row_mm), 1)
        )
        rest = (plane - local)[soft & ~near]
        if rest.size >= _FEWEST_VOXELS:
            # Streaks are lines: the 95th percentile sees them where the median does not.
            found.append(float(np.quantile(np.abs(rest), 0.95)) / 1.96)
    return np.array(found)
