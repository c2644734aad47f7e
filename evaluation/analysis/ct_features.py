"""What is measured on the CT inside the regions: what an index test of CT alone may look at."""

from collections.abc import Mapping

import numpy as np

from evaluation.imaging import Volume, resample

_AIR_HU = -1024.0
_METHOD = "CT resampled (linear) onto the reference grid, voxels of the mask"


def ct_features(
    ct: Volume, regions: Mapping[str, np.ndarray], grid_of: Volume
) -> list[tuple[str, str, float | None, str, str, int]]:
    """Return region, quantity, value, unit, method and voxels: mean, SD, 90th percentile (HU), volume (ml).

    ``regions`` lie on the grid of ``grid_of``; a region without a voxel has no value.
    """
    placed = resample(ct, grid_of.grid, outside=_AIR_HU).array
    voxel_ml = grid_of.grid.voxel_volume_ml
    rows: list[tuple[str, str, float | None, str, str, int]] = []
    for name, mask in regions.items():
        values, n = placed[mask].astype(float), int(mask.sum())
        found = {
            "hu_mean": float(values.mean()) if n else None,
            "hu_sd": float(values.std()) if n else None,
            "hu_p90": float(np.percentile(values, 90)) if n else None,
        }
        rows += [(name, quantity, value, "HU", _METHOD, n) for quantity, value in found.items()]
        rows.append((name, "volume", n * voxel_ml, "ml", "voxel count, whole mask", n))
    return rows
