"""CT and PET on one coarse grid along the patient's axes, with what can be told apart in it."""

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from evaluation.fidelity import BodyNotFound, body_mask
from evaluation.imaging import Grid, Volume, resample

COARSE_MM = 4.0
LUNG_HU = -400.0
SMALLEST_LUNG_ML = 250.0
_LEVEL = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


@dataclass(frozen=True, eq=False)
class Scene:
    """One pair as the screening sees it: arrays [z, y, x] on ``grid``, about 4 mm, axes L, P, S.

    ``hu`` and ``suv`` are float32; ``covered`` says where the PET has voxels; ``body`` and ``lungs``
    come from the CT. The patient's right has the smaller x, feet the smaller z.
    """

    grid: Grid
    hu: np.ndarray
    suv: np.ndarray
    covered: np.ndarray
    body: np.ndarray
    lungs: np.ndarray

    @property
    def midline(self) -> int:
        """Column of the sagittal plane through the centre of the body."""
        columns = np.flatnonzero(self.body.any(axis=(0, 1)))
        return round(float(columns[0] + columns[-1]) / 2) if columns.size else 0

    def side(self, mask: np.ndarray, *, right: bool) -> np.ndarray:
        """Return the part of a mask on the patient's right or left of the middle of the body."""
        half = mask.copy()
        if right:
            half[:, :, self.midline :] = False
        else:
            half[:, :, : self.midline] = False
        return half

    def millilitres(self, mask: np.ndarray) -> float:
        """Volume of a mask."""
        return float(mask.sum()) * self.grid.voxel_volume_ml

    def voxels(self, millimetres: float) -> tuple[int, int, int]:
        """Return how many voxels (z, y, x) a distance is, at least one."""
        z, y, x = (max(round(millimetres / edge), 1) for edge in self.grid.spacing_mm)
        return z, y, x


def scene_of(ct: Volume, pet: Volume) -> Scene:
    """Lay CT (HU) and PET (any unit) over each other by their geometry.

    Raises
    ------
    ValueError
        When the CT is not in HU.
    """
    near = _level(thinned(ct))
    ones = Volume(np.ones(pet.grid.shape, dtype=np.uint8), pet.grid, "mask")
    covered = resample(ones, near.grid, outside=0, order="nearest").array.astype(np.bool_)
    suv = resample(pet, near.grid, outside=0.0).array
    try:
        body = body_mask(near)
    except BodyNotFound:
        body = np.zeros(near.grid.shape, dtype=np.bool_)
    return Scene(near.grid, near.array, suv, covered, body, _lungs(near, body))


def thinned(volume: Volume) -> Volume:
    """Return means of blocks of voxels with edges of about ``COARSE_MM``; float32."""
    steps = [max(round(COARSE_MM / edge), 1) for edge in volume.grid.spacing_mm]
    steps = [min(step, size) for step, size in zip(steps, volume.grid.shape, strict=True)]
    z, y, x = (size // step for size, step in zip(volume.grid.shape, steps, strict=True))
    kept = volume.array[: z * steps[0], : y * steps[1], : x * steps[2]]
    blocks = kept.reshape(z, steps[0], y, steps[1], x, steps[2])
    array = blocks.mean(axis=(1, 3, 5), dtype=np.float32)
    middle = np.array([*((step - 1) / 2 for step in reversed(steps)), 1.0])
    origin = (volume.grid.affine() @ middle)[:3]
    dz, dy, dx = (e * s for e, s in zip(volume.grid.spacing_mm, steps, strict=True))
    where = (float(origin[0]), float(origin[1]), float(origin[2]))
    grid = replace(volume.grid, shape=(z, y, x), spacing_mm=(dz, dy, dx), origin_mm=where)
    return Volume(array, grid, volume.unit)


def _level(ct: Volume) -> Volume:
    """Turn the CT so that its axes are the patient's; nothing is done where they are already."""
    if np.allclose(np.asarray(ct.grid.direction), np.eye(3), atol=1e-3):
        return ct
    ends = [(0, size - 1) for size in ct.grid.shape]
    corners = np.array([(x, y, z, 1.0) for z in ends[0] for y in ends[1] for x in ends[2]])
    places = (corners @ ct.grid.affine().T)[:, :3]
    low, high = places.min(axis=0), places.max(axis=0)
    edge = min(ct.grid.spacing_mm)
    x, y, z = (math.floor(length / edge) + 1 for length in high - low)
    origin = (float(low[0]), float(low[1]), float(low[2]))
    grid = Grid((z, y, x), (edge, edge, edge), origin, _LEVEL)
    return resample(ct, grid, outside=-1024.0)


def _lungs(ct: Volume, body: np.ndarray) -> np.ndarray:
    """Return air inside the body in connected parts of at least 250 ml (bowel gas is smaller)."""
    labels, _ = ndimage.label(body & (ct.array < LUNG_HU))
    sizes = np.bincount(labels.ravel()) * ct.grid.voxel_volume_ml
    sizes[0] = 0.0
    found: np.ndarray = (sizes >= SMALLEST_LUNG_ML)[labels]
    return found
