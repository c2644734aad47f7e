"""A halo: uptake that a scatter correction took away round something very hot."""

import numpy as np
from scipy import ndimage

from evaluation.screening.results import Measured, unchecked
from evaluation.screening.scene import Scene

HOT_SUV = 15.0
_SMALLEST_HOT_ML = 2.0
_RING_MM = (16.0, 40.0)
_FAR_MM = 60.0
_SOFT_HU = (-20.0, 120.0)


def halo_of(scene: Scene) -> Measured:
    """Return the uptake of soft tissue round what is hot, over that of soft tissue far from it.

    Hot is SUV above 15 in parts of at least 2 ml (bladder, kidneys, a place of injection). The ring is 16 to
    40 mm away in the same slices, far is more than 60 mm away; soft tissue has -20 to 120 HU. A ratio
    of medians well below 1 is a halo.
    """
    hot = _hot(scene)
    if not hot.any():
        return unchecked("Nothing in view is hot enough (SUV above 15) to throw a halo.")
    away = ndimage.distance_transform_edt(~hot, sampling=scene.grid.spacing_mm)
    soft = scene.body & scene.covered & (scene.hu > _SOFT_HU[0]) & (scene.hu < _SOFT_HU[1])
    in_slices = np.asarray(hot.any(axis=(1, 2)))[:, None, None]
    ring = soft & in_slices & (away >= _RING_MM[0]) & (away <= _RING_MM[1])
    far = soft & (away > _FAR_MM)
    if min(ring.sum(), far.sum()) < 100:
        return unchecked("There is too little soft tissue in view to compare for a halo.")
    beyond = float(np.median(scene.suv[far]))
    if beyond <= 0.05:
        return unchecked("Soft tissue far from the hot part shows no uptake to compare with.")
    return Measured(
        {
            "ring_ratio": float(np.median(scene.suv[ring])) / beyond,
            "hot_ml": scene.millilitres(hot),
            "far_suv": beyond,
        }
    )


def _hot(scene: Scene) -> np.ndarray:
    labels, _ = ndimage.label(scene.covered & (scene.suv > HOT_SUV))
    sizes = np.bincount(labels.ravel()) * scene.grid.voxel_volume_ml
    sizes[0] = 0.0
    hot: np.ndarray = (sizes >= _SMALLEST_HOT_ML)[labels]
    return hot
