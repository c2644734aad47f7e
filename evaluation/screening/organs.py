"""Uptake of liver and blood pool: from outlines, else from a place that is found in the CT."""

from collections.abc import Mapping

import numpy as np
from scipy import ndimage

from evaluation.screening.results import Measured, unchecked
from evaluation.screening.scene import Scene

_LIVER_HU = (20.0, 180.0)
_BLOOD_HU = (10.0, 350.0)
_BELOW_DOME_MM = (15.0, 75.0)
_INSIDE_LUNG_MM = 20.0
_SMALLEST_ML = {"liver": 30.0, "blood_pool": 2.0}
_NO_LUNGS = (
    "Both lungs are not in view, so {organ} could not be found; outline organ:{organ} to check it."
)


def liver_of(scene: Scene, outlined: Mapping[str, np.ndarray] | None = None) -> Measured:
    """Return the uptake of the liver: mean, median, volume, and whether a person outlined it.

    Without outline: soft tissue (20 to 180 HU after a 12 mm mean) on the patient's right, 15 to 75 mm
    below the dome of the right lung, 12 mm away from any other tissue, the largest connected part.

    Parameters
    ----------
    outlined
        Values of the PET under outlines that a person drew, by organ.
    """
    return _outlined("liver", outlined) or _estimated("liver", scene, _liver(scene))


def blood_pool_of(scene: Scene, outlined: Mapping[str, np.ndarray] | None = None) -> Measured:
    """Return the uptake of the blood pool in the great vessels.

    Without outline: soft tissue between the lungs from 25 to 50 % of their height below the apex
    (arch and great vessels, above the heart), 6 mm away from lung, fat and bone, behind the front
    third and in front of the spine; the median does not follow a lesion that lies there.
    """
    return _outlined("blood_pool", outlined) or _estimated("blood_pool", scene, _vessels(scene))


def _outlined(organ: str, outlined: Mapping[str, np.ndarray] | None) -> Measured | None:
    values = (outlined or {}).get(organ)
    if values is None or not values.size:
        return None
    return Measured(_figures(values) | {"outlined": 1.0, "voxels": float(values.size)})


def _estimated(organ: str, scene: Scene, found: np.ndarray | None) -> Measured:
    if found is None:
        return unchecked(_NO_LUNGS.format(organ=organ))
    inside = found & scene.covered
    volume = scene.millilitres(inside)
    if volume < _SMALLEST_ML[organ]:
        sentence = f"Not enough of {organ} was found in the CT; outline organ:{organ} to check it."
        return unchecked(sentence)
    return Measured(_figures(scene.suv[inside]) | {"outlined": 0.0, "volume_ml": volume})


def _figures(values: np.ndarray) -> dict[str, float]:
    return {"suv_mean": float(values.mean()), "suv_median": float(np.median(values))}


def both_lungs(scene: Scene) -> bool:
    """Whether a lung is seen on both sides."""
    sides = [scene.millilitres(scene.side(scene.lungs, right=right)) for right in (True, False)]
    return min(sides) >= 250.0


def _liver(scene: Scene) -> np.ndarray | None:
    if not both_lungs(scene):
        return None
    dome = dome_row(scene)
    edge = scene.grid.spacing_mm[0]
    low, high = (dome - round(mm / edge) for mm in reversed(_BELOW_DOME_MM))
    if high <= 0:
        return None
    tissue = _homogeneous(scene, _LIVER_HU, window_mm=12.0)
    tissue[: max(low, 0)] = False
    tissue[high:] = False
    return _largest(_eroded(scene, scene.side(tissue, right=True), 12.0))


def dome_row(scene: Scene) -> int:
    """Slice of the dome of the right diaphragm.

    Only columns at least 20 mm inside the outline of the right lung seen from above are asked: the
    lung reaches far down round the liver. Their lowest voxel of lung lies on the diaphragm; the dome
    is the upper fifth of them.
    """
    columns = dome_columns(scene)
    right = scene.side(scene.lungs, right=True)
    return int(np.quantile(np.argmax(right, axis=0)[columns], 0.8))


def dome_columns(scene: Scene) -> np.ndarray:
    """Mask [y, x] of the columns that lie well inside the right lung seen from above."""
    seen = scene.side(scene.lungs, right=True).any(axis=0)
    away = ndimage.distance_transform_edt(seen, sampling=scene.grid.spacing_mm[1:])
    return np.asarray(away >= min(_INSIDE_LUNG_MM, float(away.max())), dtype=np.bool_)


def _vessels(scene: Scene) -> np.ndarray | None:
    if not both_lungs(scene):
        return None
    slices = np.flatnonzero(scene.lungs.any(axis=(1, 2)))
    apex, height = slices[-1], slices[-1] - dome_row(scene)
    if height <= 4:
        return None
    tissue = _homogeneous(scene, _BLOOD_HU, window_mm=6.0)
    for k in range(tissue.shape[0]):
        inside = apex - 0.55 * height <= k <= apex - 0.25 * height
        tissue[k] = tissue[k] & _between_lungs(scene, k) if inside else False
    return _eroded(scene, tissue, 6.0)


def _between_lungs(scene: Scene, k: int) -> np.ndarray:
    """Box between the two lungs of one slice: their inner borders, and their depth without front and spine."""
    plane = scene.lungs[k]
    left, right = (scene.side(scene.lungs[k : k + 1], right=r)[0] for r in (False, True))
    box = np.zeros_like(plane)
    if not left.any() or not right.any():
        return box
    rows = np.flatnonzero(plane.any(axis=1))
    front, back = rows[0], rows[-1]
    depth = back - front
    first, last = np.quantile(np.nonzero(right)[1], 0.5), np.quantile(np.nonzero(left)[1], 0.5)
    box[int(front + 0.2 * depth) : int(front + 0.75 * depth), int(first) : int(last) + 1] = True
    return box


def _homogeneous(scene: Scene, limits: tuple[float, float], *, window_mm: float) -> np.ndarray:
    local = ndimage.uniform_filter(scene.hu, scene.voxels(window_mm))
    tissue: np.ndarray = scene.body & (local > limits[0]) & (local < limits[1])
    return tissue


def _eroded(scene: Scene, mask: np.ndarray, millimetres: float) -> np.ndarray:
    away = ndimage.distance_transform_edt(mask, sampling=scene.grid.spacing_mm)
    inside: np.ndarray = away > millimetres
    return inside


def _largest(mask: np.ndarray) -> np.ndarray:
    labels, count = ndimage.label(mask)
    if not count:
        return mask
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    largest: np.ndarray = labels == int(np.argmax(sizes))
    return largest
