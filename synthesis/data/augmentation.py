"""Seeded changes of a training pair: the same turn, size and place for CT, PET and masks.

Never a left-right flip: the liver has a side. Never a change of SUV: it is what is learned.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from synthesis.config import AugmentationRanges

Array = NDArray[np.float32]
AIR_HU = -1000.0


@dataclass(frozen=True, slots=True)
class Augmentation:
    """One draw of changes."""

    turn_degrees: float
    size: float
    shift_mm: tuple[float, float]  # y, x
    hu_offset: float
    hu_noise: float
    noise_seed: int

    def image(self, array: Array, spacing_yx_mm: tuple[float, float], *, outside: float) -> Array:
        """Return an image moved in its last two axes; linear, so no value leaves its range."""
        return self._moved(array, spacing_yx_mm, outside=outside, order=1).astype(np.float32)

    def mask(
        self, array: NDArray[np.bool_], spacing_yx_mm: tuple[float, float]
    ) -> NDArray[np.bool_]:
        """Return a mask moved like the images, by nearest neighbour."""
        moved = self._moved(array.astype(np.uint8), spacing_yx_mm, outside=0, order=0)
        return moved.astype(np.bool_)

    def ct(self, hu: Array, spacing_yx_mm: tuple[float, float]) -> Array:
        """Return a CT moved like the PET, with another calibration and more noise."""
        noise = np.random.default_rng(self.noise_seed).standard_normal(hu.shape, dtype=np.float32)
        moved = self.image(hu, spacing_yx_mm, outside=AIR_HU)
        inside = moved > AIR_HU + 1  # air and padding stay what they are
        changed = moved + np.float32(self.hu_offset) + np.float32(self.hu_noise) * noise
        return np.where(inside, changed, moved).astype(np.float32)

    def _moved(
        self,
        array: NDArray[np.generic],
        spacing: tuple[float, float],
        *,
        outside: float,
        order: int,
    ) -> NDArray[np.generic]:
        angle = np.deg2rad(self.turn_degrees)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        step = np.diag(spacing)
        # From a voxel of the result to the voxel of the source, through millimetres.
        matrix = np.linalg.inv(step) @ (turn / self.size) @ step
        middle = (np.array(array.shape[-2:]) - 1) / 2
        shift = np.linalg.inv(step) @ (turn / self.size) @ np.array(self.shift_mm)
        offset = middle - matrix @ middle - shift
        planes = array.reshape(-1, *array.shape[-2:])
        moved = np.stack(
            [ndimage.affine_transform(p, matrix, offset, order=order, cval=outside) for p in planes]
        )
        return moved.reshape(array.shape)


def draw_augmentation(ranges: AugmentationRanges, rng: np.random.Generator) -> Augmentation:
    """Return one draw; the same state of the generator gives the same changes."""
    spread = rng.uniform(-1, 1, 5)
    return Augmentation(
        turn_degrees=float(ranges.turn_degrees * spread[0]),
        size=float(1 + ranges.size * spread[1]),
        shift_mm=(float(ranges.shift_mm * spread[2]), float(ranges.shift_mm * spread[3])),
        hu_offset=float(ranges.hu_offset * spread[4]),
        hu_noise=float(ranges.hu_noise * rng.uniform(0, 1)),
        noise_seed=int(rng.integers(2**63)),
    )


NO_CHANGE = Augmentation(0.0, 1.0, (0.0, 0.0), 0.0, 0.0, 0)
