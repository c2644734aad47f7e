"""What a CT looks like, in a few numbers by which it can be told from those a release learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from evaluation.imaging import Volume
from synthesis.config.domain import Triple
from synthesis.data.model_grid import body_mask

LOOKED_AT_MM = (8.0, 4.0, 4.0)  # every n-th voxel about this far apart is enough for volumes
LUNG_HU = (-970.0, -500.0)
BODY_HU = -300.0


@dataclass(frozen=True, slots=True)
class CtLook:
    """Numbers of one CT.

    Attributes
    ----------
    spacing_zyx_mm
        Of its voxels.
    length_mm
        From foot to head.
    lung_ml
        Inside the body with the density of aerated lung; bowel gas and airways add little.
    edge_share
        Share of the outermost pixels of all slices that are body: 0 where the whole body is in the
        field of view.
    """

    spacing_zyx_mm: Triple
    length_mm: float
    lung_ml: float
    edge_share: float


def look_of(ct: Volume) -> CtLook:
    """Return the numbers of a CT in HU with axes along the patient's."""
    spacing = ct.grid.spacing_mm
    steps = [max(1, round(w / s)) for w, s in zip(LOOKED_AT_MM, spacing, strict=True)]
    seen = ct.array[:: steps[0], :: steps[1], :: steps[2]].astype(np.float32)
    voxel_ml = float(np.prod(spacing) * np.prod(steps)) / 1000
    low, high = LUNG_HU
    lung = body_mask(seen) & (seen > low) & (seen < high)
    border = np.concatenate(
        [ct.array[:, 0], ct.array[:, -1], ct.array[:, :, 0], ct.array[:, :, -1]], axis=1
    )
    return CtLook(
        spacing_zyx_mm=spacing,
        length_mm=spacing[0] * ct.grid.shape[0],
        lung_ml=float(lung.sum()) * voxel_ml,
        edge_share=float(np.mean(border > BODY_HU)),
    )


@dataclass(frozen=True, slots=True)
class CtsSeen:
    """The range of what a release learned from, as it states it."""

    coarsest_zyx_mm: Triple
    shortest_mm: float
    least_lung_ml: float
    largest_edge_share: float

    @classmethod
    def over(cls, looks: Sequence[CtLook]) -> CtsSeen:
        """Return the range over the training participants."""
        z, y, x = (max(look.spacing_zyx_mm[axis] for look in looks) for axis in range(3))
        return cls(
            coarsest_zyx_mm=(z, y, x),
            shortest_mm=min(look.length_mm for look in looks),
            least_lung_ml=min(look.lung_ml for look in looks),
            largest_edge_share=max(look.edge_share for look in looks),
        )

    @classmethod
    def of_table(cls, table: dict[str, Any]) -> CtsSeen:
        """Return the range that a release states."""
        z, y, x = (float(value) for value in table["coarsest_zyx_mm"])
        return cls(
            coarsest_zyx_mm=(z, y, x),
            shortest_mm=float(table["shortest_mm"]),
            least_lung_ml=float(table["least_lung_ml"]),
            largest_edge_share=float(table["largest_edge_share"]),
        )

    def to_table(self) -> dict[str, Any]:
        """Return a table that `of_table` reads back."""
        return asdict(self)
