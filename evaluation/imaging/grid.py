"""Where the voxels of a volume lie in the patient."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

Triple = tuple[float, float, float]
IDENTITY: tuple[Triple, Triple, Triple] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


def triple(values: Iterable[float]) -> Triple:
    """Return three numbers as a tuple of floats."""
    x, y, z = (float(v) for v in values)
    return (x, y, z)


@dataclass(frozen=True)
class Grid:
    """A regular grid of voxels in DICOM patient coordinates (LPS, mm).

    Parameters
    ----------
    shape
        Number of voxels along (z, y, x), the order of array indices.
    spacing_mm
        Distance of voxel centres along (z, y, x).
    origin_mm
        Patient coordinates (x, y, z) of the centre of voxel ``[0, 0, 0]``.
    direction
        Three rows; its columns are the patient directions of the index axes x, y, z.
    """

    shape: tuple[int, int, int]
    spacing_mm: Triple
    origin_mm: Triple = (0.0, 0.0, 0.0)
    direction: tuple[Triple, Triple, Triple] = IDENTITY

    def __post_init__(self) -> None:
        """Refuse a grid that no image can have."""
        numbers = (*self.spacing_mm, *self.origin_mm, *(v for row in self.direction for v in row))
        if not np.all(np.isfinite(numbers)):
            raise ValueError("a grid needs finite spacing, origin and direction")
        if min(self.shape) < 1 or min(self.spacing_mm) <= 0:
            raise ValueError(
                f"a grid needs voxels with a size: {self.shape} of {self.spacing_mm} mm"
            )

    def affine(self) -> np.ndarray:
        """Matrix (4, 4) that takes an index (x, y, z, 1) to patient coordinates (LPS, mm)."""
        matrix = np.eye(4)
        matrix[:3, :3] = np.asarray(self.direction) * np.asarray(self.spacing_mm[::-1])
        matrix[:3, 3] = self.origin_mm
        return matrix

    @property
    def voxel_volume_ml(self) -> float:
        """Volume of one voxel in millilitres."""
        return float(np.prod(self.spacing_mm)) / 1000.0

    def same_as(self, other: "Grid", tolerance_mm: float = 1e-3) -> bool:
        """Whether every voxel of both grids lies at the same place within ``tolerance_mm``."""
        if self.shape != other.shape:
            return False
        corners = np.array(
            [
                (x, y, z, 1.0)
                for z in (0, self.shape[0] - 1)
                for y in (0, self.shape[1] - 1)
                for x in (0, self.shape[2] - 1)
            ]
        )
        shift = corners @ (self.affine() - other.affine()).T
        return bool(np.abs(shift).max() <= tolerance_mm)

    def crop(self, slices: Sequence[slice]) -> "Grid":
        """Return the grid of ``array[slices]`` for three slices (z, y, x) of step one."""
        spans = [s.indices(n) for s, n in zip(slices, self.shape, strict=True)]
        if any(step != 1 for _, _, step in spans):
            raise ValueError("a crop keeps neighbouring voxels: slices must have step one")
        starts = np.array([*[start for start, _, _ in reversed(spans)], 1.0])
        origin = self.affine() @ starts
        sizes = [stop - start for start, stop, _ in spans]
        shape = (sizes[0], sizes[1], sizes[2])
        return replace(self, shape=shape, origin_mm=triple(origin[:3]))
