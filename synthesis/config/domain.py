"""What the images of a family are: grid, windows and uptake scale, fixed for all images alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from synthesis.config.codec import CtWindow, SuvCodec

Form = Literal["2d", "2.5d", "3d"]
Modality = Literal["ct", "mr"]
Target = Literal["pet", "fusion"]
Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class DomainConfig:
    """Grid and intensities; nothing here is ever fitted to one slice or one image.

    Attributes
    ----------
    form
        `2d` one slice, `2.5d` a slice with its neighbours, `3d` a block.
    spacing_zyx_mm
        The PET grid of the model; CT is resampled to it by physical position.
    neighbours
        Slices on each side of the translated one (`2.5d` only).
    patch
        Voxels that training cuts: (y, x), or (z, y, x) for `3d`.
    windows
        Each source slice enters once per window; the first is also the code of the source where
        a method needs one channel. In HU; for `mr` in thousandths of the median signal of the
        reference tissue, so that 1000 is that tissue.
    reference_tissue
        `mr` only: the tissue whose median signal each volume is divided by.
    target
        `fusion` paints PET over the source (seed 002); it is not quantitative.
    """

    form: Form = "2.5d"
    spacing_zyx_mm: Triple = (4.0, 400 / 96, 400 / 96)
    neighbours: int = 2
    patch: tuple[int, ...] = (96, 96)
    windows: tuple[CtWindow, ...] = (
        CtWindow(-1000.0, 1000.0),
        CtWindow(-1000.0, 0.0),
        CtWindow(-160.0, 240.0),
    )
    codec: SuvCodec = field(default_factory=SuvCodec)
    source: Modality = "ct"
    target: Target = "pet"
    reference_tissue: str = ""

    def __post_init__(self) -> None:
        """Refuse a domain that has no images."""
        if not self.windows or min(self.spacing_zyx_mm) <= 0:
            raise ValueError("A domain needs a positive spacing and at least one window.")
        if len(self.patch) != self.dimensions or min(self.patch) < 8:
            raise ValueError(
                f"A {self.form} patch has {self.dimensions} sides of at least 8 voxels, "
                f"not {self.patch}."
            )
        if (self.form == "2.5d") != (self.neighbours > 0):
            raise ValueError("Neighbours are for the form 2.5d, which needs at least one.")

        self._require_reference()

    def _require_reference(self) -> None:
        """Refuse MR without a reference tissue, and windows below the signal of nothing."""
        if (self.source == "mr") != bool(self.reference_tissue):
            raise ValueError("MR, and MR alone, names the reference_tissue that scales it.")
        if self.source == "mr" and min(window.low_hu for window in self.windows) < 0:
            raise ValueError("Windows of MR begin at 0 or above: signal is not negative.")

    @property
    def dimensions(self) -> int:
        """Spatial dimensions of the networks."""
        return 3 if self.form == "3d" else 2

    @property
    def slices(self) -> int:
        """Source slices that enter as channels."""
        return 2 * self.neighbours + 1

    @property
    def source_channels(self) -> int:
        """Channels of the encoded source: slices times windows."""
        return self.slices * len(self.windows)

    @property
    def target_channels(self) -> int:
        """Channels of the target: one of PET, three colours of a fusion image."""
        return 3 if self.target == "fusion" else 1


@dataclass(frozen=True, slots=True)
class VoxelWeightsConfig:
    """How much a voxel counts in the loss: see `synthesis.losses.voxel_weights`."""

    lesion: float = 6.0
    uptake: float = 4.0
    background: float = 0.15

    def __post_init__(self) -> None:
        """Refuse weights below zero."""
        if min(self.lesion, self.uptake, self.background) < 0:
            raise ValueError("Voxel weights are not negative.")
