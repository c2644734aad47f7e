"""Whether CT and PET show the diaphragm at the same height."""

import numpy as np
from scipy import ndimage

from evaluation.screening.organs import both_lungs, dome_columns, dome_row
from evaluation.screening.results import Measured, unchecked
from evaluation.screening.scene import Scene

_REACH_MM = 48.0
_FEWEST_COLUMNS = 12
_LEAST_STEP_SUV = 0.4


def breathing_of(scene: Scene) -> Measured:
    """Return how much higher (mm, positive towards the head) the PET shows the right dome than the CT.

    Over the columns of the right dome the CT passes from liver to lung at the lowest lung voxel. The
    PET passes where it crosses the middle between the uptake 28 to 48 mm below (liver) and above
    (lung). The median of the differences is the mismatch, ``spread_mm`` half their middle 50 %.
    """
    if not both_lungs(scene):
        return unchecked("Both lungs are not in view, so the diaphragm was not compared.")
    columns, heights = _dome(scene)
    reach = round(_REACH_MM / scene.grid.spacing_mm[0])
    fits = (heights - reach >= 0) & (heights + reach < scene.grid.shape[0])
    if fits.sum() < _FEWEST_COLUMNS:
        return unchecked("The dome of the diaphragm lies too near the end of the images.")
    steps = _crossings(scene, columns[fits], heights[fits], reach)
    if steps.size < _FEWEST_COLUMNS:
        return unchecked("The PET shows no clear border between liver and lung.")
    steps_mm = steps * scene.grid.spacing_mm[0]
    quarter, half, three = np.quantile(steps_mm, (0.25, 0.5, 0.75))
    return Measured(
        {
            "mismatch_mm": float(half),
            "spread_mm": float(three - quarter) / 2,
            "columns": float(steps.size),
        }
    )


def _dome(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Columns (y, x) of the right dome and the slice of their lowest lung voxel."""
    right = scene.side(scene.lungs, right=True)
    columns = np.argwhere(dome_columns(scene))
    heights = np.argmax(right, axis=0)[tuple(columns.T)]
    near = np.abs(heights - dome_row(scene)) <= round(24.0 / scene.grid.spacing_mm[0])
    return columns[near], heights[near]


def _crossings(scene: Scene, columns: np.ndarray, heights: np.ndarray, reach: int) -> np.ndarray:
    """Slices from the CT's border to the PET's, per column that has both liver and lung uptake."""
    smooth = ndimage.gaussian_filter(scene.suv, (0, 1, 1))
    offsets = np.arange(-reach, reach + 1)
    profiles = smooth[heights[:, None] + offsets, columns[:, :1], columns[:, 1:]]
    seen = scene.covered[heights[:, None] + offsets, columns[:, :1], columns[:, 1:]].all(axis=1)
    inner = round(28.0 / scene.grid.spacing_mm[0])
    below = np.median(profiles[:, : reach - inner + 1], axis=1)
    above = np.median(profiles[:, reach + inner :], axis=1)
    clear = seen & (below - above >= _LEAST_STEP_SUV)
    middle = (below + above)[:, None] / 2
    found = []
    for profile, level in zip(profiles[clear], middle[clear, 0], strict=True):
        under = np.flatnonzero((profile[:-1] >= level) & (profile[1:] < level))
        if under.size:
            k = int(under[np.argmin(np.abs(under - reach))])
            share = (profile[k] - level) / (profile[k] - profile[k + 1])
            # The border lies half a voxel below the centre of the lowest lung voxel.
            found.append(offsets[k] + share + 0.5)
    return np.array(found)
