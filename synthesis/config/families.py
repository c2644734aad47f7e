"""One frozen configuration per model family."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from synthesis.config.domain import DomainConfig, Triple, VoxelWeightsConfig
from synthesis.config.networks import (
    AutoencoderConfig,
    CriticConfig,
    DenoiserConfig,
    GeneratorConfig,
    SegmentorConfig,
)
from synthesis.config.processes import BridgeConfig, EdmConfig, FlowConfig, GaussianConfig
from synthesis.config.recipe import RecipeConfig

ADVERSARIAL_BETAS = (0.5, 0.999)
CPDM_BETAS = (0.9, 0.999)


@dataclass(frozen=True, slots=True)
class BaselineConfig:
    """The regression U-Net that every other family must beat."""

    family: ClassVar[str] = "baseline"
    domain: DomainConfig = field(default_factory=DomainConfig)
    generator: GeneratorConfig = field(default_factory=GeneratorConfig)
    weights: VoxelWeightsConfig = field(default_factory=VoxelWeightsConfig)
    recipe: RecipeConfig = field(default_factory=RecipeConfig)

    def __post_init__(self) -> None:
        """Refuse patches that the network cannot halve."""
        require_sides(self.domain.patch, sides_of(self.generator))


@dataclass(frozen=True, slots=True)
class AdversarialConfig:
    """Weights of the adversarial pair; the L1 term counts `l1_weight`."""

    kind: Literal["least_squares", "bce"] = "least_squares"
    weight: float = 0.02
    l1_weight: float = 1.0
    from_step: int = 600

    def __post_init__(self) -> None:
        """Refuse weights below zero."""
        if min(self.weight, self.l1_weight, self.from_step) < 0:
            raise ValueError("Weights and the first adversarial step are not negative.")


@dataclass(frozen=True, slots=True)
class Pix2PixConfig:
    """A conditional adversarial pair (seed 002)."""

    family: ClassVar[str] = "pix2pix"
    domain: DomainConfig = field(default_factory=DomainConfig)
    generator: GeneratorConfig = field(default_factory=GeneratorConfig)
    critic: CriticConfig = field(default_factory=CriticConfig)
    adversarial: AdversarialConfig = field(default_factory=AdversarialConfig)
    weights: VoxelWeightsConfig = field(default_factory=VoxelWeightsConfig)
    recipe: RecipeConfig = field(default_factory=lambda: RecipeConfig(betas=ADVERSARIAL_BETAS))

    def __post_init__(self) -> None:
        """Refuse patches that the networks cannot halve."""
        require_sides(self.domain.patch, sides_of(self.generator))


@dataclass(frozen=True, slots=True)
class Pix2PixDdpmConfig:
    """A least-squares adversarial pair and a conditional diffusion model (seed 004).

    Attributes
    ----------
    mode
        `refine`: diffusion sees CT and the pair's image p. `independent`: it sees CT alone.
        `warm_start`: it sees CT and starts from noised p at `warm_start` of the way.
    target
        `image`, or `residual` r = gain (PET - p), for `refine` only.
    """

    family: ClassVar[str] = "pix2pix_ddpm"
    gan: Pix2PixConfig = field(default_factory=Pix2PixConfig)
    denoiser: DenoiserConfig = field(default_factory=DenoiserConfig)
    process: GaussianConfig = field(default_factory=GaussianConfig)
    mode: Literal["refine", "independent", "warm_start"] = "refine"
    target: Literal["image", "residual"] = "image"
    gain: float = 5.0
    warm_start: float = 0.4
    recipe: RecipeConfig = field(default_factory=lambda: RecipeConfig(ema_decay=0.999))

    def __post_init__(self) -> None:
        """Refuse combinations that mean nothing."""
        if self.target == "residual" and self.mode != "refine":
            raise ValueError("A residual needs the image that the mode refine conditions on.")
        if self.gain <= 0 or not 0 < self.warm_start <= 1:
            raise ValueError("The gain is positive and the warm start lies in 0 to 1.")
        if self.gan.domain.target != "pet":
            raise ValueError("The diffusion model translates to PET, not to fusion images.")
        require_sides(self.gan.domain.patch, self.denoiser.multiple)

    @property
    def domain(self) -> DomainConfig:
        """Both parts work on the same images."""
        return self.gan.domain


@dataclass(frozen=True, slots=True)
class CpdmConfig:
    """A conditional Brownian bridge from CT to PET, guided by domain knowledge (seed 003).

    Attributes
    ----------
    space
        `pixel` codes, or the `latent` space of a frozen f4 autoencoder.
    path
        `bridge` (the paper) or `flow`, a rectified flow that samples in few steps.
    attention, attenuation
        Guiding maps: uptake above a threshold as learned from CT, and exp(-mu) per pixel
        (`pixel`, the paper's), exp of the integral over the path to the front (`path`), or none.
    mu_table
        How HU becomes attenuation: `carney` (2006, bilinear) or `cpdm` (the paper's knots).
    concat_source
        CT also enters as a channel, as in the group's later RegCPDM.
    """

    family: ClassVar[str] = "cpdm"
    domain: DomainConfig = field(default_factory=DomainConfig)
    space: Literal["pixel", "latent"] = "pixel"
    path: Literal["bridge", "flow"] = "bridge"
    denoiser: DenoiserConfig = field(default_factory=DenoiserConfig)
    bridge: BridgeConfig = field(default_factory=BridgeConfig)
    flow: FlowConfig = field(default_factory=FlowConfig)
    attention: bool = True
    attenuation: Literal["pixel", "path", "none"] = "pixel"
    mu_table: Literal["carney", "cpdm"] = "carney"
    concat_source: bool = True
    shared_noise: bool = True  # one noise for all slices of a volume: no flicker along z
    overlap: int = 8  # `3d` only: voxels on both sides of a cut over which chunks are blended
    segmentor: SegmentorConfig = field(default_factory=SegmentorConfig)
    autoencoder: AutoencoderConfig = field(default_factory=AutoencoderConfig)
    weights: VoxelWeightsConfig = field(default_factory=VoxelWeightsConfig)
    recipe: RecipeConfig = field(default_factory=lambda: RecipeConfig(betas=CPDM_BETAS))
    segmentor_recipe: RecipeConfig = field(default_factory=RecipeConfig)
    autoencoder_recipe: RecipeConfig = field(default_factory=RecipeConfig)

    def __post_init__(self) -> None:
        """Refuse images that the networks cannot halve."""
        if self.domain.source != "ct" or self.domain.target != "pet":
            raise ValueError("The bridge leads from CT to PET.")
        factor = self.autoencoder.factor if self.space == "latent" else 1
        require_sides(self.domain.patch, factor * self.denoiser.multiple)
        require_sides(self.domain.patch, 16 if self.attention else 1)
        if self.domain.form == "3d":
            self._require_chunks(factor)

    def _require_chunks(self, factor: int) -> None:
        """Refuse blocks of which a large volume cannot be put together."""
        if self.overlap < 0 or min(self.domain.patch) <= 2 * self.overlap:
            raise ValueError(
                f"A block of {self.domain.patch} voxels must be larger than twice the overlap of "
                f"{self.overlap}, or nothing of it is its own."
            )
        if self.overlap % factor:
            raise ValueError(f"The overlap must be a multiple of the latent's {factor} voxels.")


@dataclass(frozen=True, slots=True)
class DemographicsConfig:
    """Ranges that become 0 to 1; a participant outside the refused range is a data error."""

    height_m: tuple[float, float] = (1.3, 2.2)
    weight_kg: tuple[float, float] = (30.0, 200.0)
    age_years: tuple[float, float] = (16.0, 100.0)

    def __post_init__(self) -> None:
        """Refuse ranges that are upside down."""
        ranges = (self.height_m, self.weight_kg, self.age_years)
        if any(not 0 < low < high for low, high in ranges):
            raise ValueError("Each range of demographics needs 0 < low < high.")


@dataclass(frozen=True, slots=True)
class Cascade3dConfig:
    """Demographics to a coarse CT and PET volume, then patches of fine detail (seed 001).

    Attributes
    ----------
    volume
        Voxels (z, y, x) of a whole fine volume; the coarse one has `factor` times fewer a side.
    chunk
        Voxels (z, y, x) that the second stage samples at a time; training cuts `domain.patch`.
    target
        `residual`: r = gain (x_HR - up(x_LR)); `full`: the fine patch itself.
    overlap
        Voxels on each inner side of a chunk that are computed and thrown away.
    coarse_noise
        Largest standard deviation of noise put on the coarse volume while the second stage
        trains, so that it also takes coarse volumes that were sampled.
    """

    family: ClassVar[str] = "cascade3d"
    domain: DomainConfig = field(
        default_factory=lambda: DomainConfig(form="3d", neighbours=0, patch=(32, 32, 32))
    )
    volume: tuple[int, int, int] = (32, 32, 32)
    chunk: tuple[int, int, int] = (32, 32, 32)
    factor: int = 4
    low: DenoiserConfig = field(default_factory=DenoiserConfig)
    high: DenoiserConfig = field(default_factory=DenoiserConfig)
    low_edm: EdmConfig = field(default_factory=EdmConfig)
    high_edm: EdmConfig = field(default_factory=EdmConfig)
    target: Literal["residual", "full"] = "residual"
    gain: float = 5.0
    coarse_noise: float = 0.05
    overlap: int = 8
    demographics: DemographicsConfig = field(default_factory=DemographicsConfig)
    low_recipe: RecipeConfig = field(default_factory=RecipeConfig)
    high_recipe: RecipeConfig = field(default_factory=RecipeConfig)

    def __post_init__(self) -> None:
        """Refuse volumes that cannot be made coarse, or chunks that are all overlap."""
        if self.domain.form != "3d" or self.domain.source != "ct" or self.domain.target != "pet":
            raise ValueError("The cascade makes CT and PET in the form 3d.")
        if self.factor < 2 or self.gain <= 0 or self.coarse_noise < 0 or self.overlap < 0:
            raise ValueError("The cascade needs a factor above 1, a gain above 0, noise from 0.")
        require_sides(self.volume, self.factor * self.low.multiple)
        require_sides(self.domain.patch, self.high.multiple)
        require_sides(self.chunk, self.high.multiple)
        if any(p > side for p, side in zip(self.domain.patch, self.volume, strict=True)):
            raise ValueError("A training patch lies within the volume.")
        for chunk, side in zip(self.chunk, self.volume, strict=True):
            if chunk > side or (chunk < side and chunk <= 2 * self.overlap):
                raise ValueError("A chunk lies within the volume and is more than its overlaps.")

    @property
    def coarse_volume(self) -> tuple[int, int, int]:
        """Voxels (z, y, x) of the coarse volume."""
        z, y, x = self.volume
        return z // self.factor, y // self.factor, x // self.factor

    @property
    def coarse_spacing_mm(self) -> Triple:
        """Spacing (z, y, x) of the coarse volume."""
        z, y, x = self.domain.spacing_zyx_mm
        return z * self.factor, y * self.factor, x * self.factor


FamilyConfig = BaselineConfig | Pix2PixConfig | Pix2PixDdpmConfig | CpdmConfig | Cascade3dConfig
FAMILY_CONFIGS: dict[str, type[FamilyConfig]] = {
    kind.family: kind
    for kind in (BaselineConfig, Pix2PixConfig, Pix2PixDdpmConfig, CpdmConfig, Cascade3dConfig)
}


def sides_of(generator: GeneratorConfig) -> int:
    """Return the number of which every side must be a multiple."""
    return 16 if generator.architecture == "basic" else int(2 ** len(generator.features))


def require_sides(sides: tuple[int, ...], multiple: int) -> None:
    """Refuse sides that the network cannot halve down to its deepest level."""
    if any(side % multiple for side in sides):
        raise ValueError(f"Each side must be a multiple of {multiple} voxels, not {sides}.")
