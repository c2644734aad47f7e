"""The settings of a model and of its training, as frozen dataclasses."""

from __future__ import annotations

from dataclasses import dataclass, field

from synthesis.config.codec import CtWindow, SuvCodec


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """What goes into the generator, at what sampling, and what comes out.

    Attributes
    ----------
    spacing_zyx_mm
        Grid of the model: CT is resampled to it and the synthetic PET lies on it.
    neighbours
        CT slices on each side of the one that is translated.
    windows
        Each CT slice enters once per window.
    features
        Channels of the six stages of the U-Net.
    """

    spacing_zyx_mm: tuple[float, float, float] = (4.0, 400 / 96, 400 / 96)
    neighbours: int = 2
    windows: tuple[CtWindow, ...] = (
        CtWindow(-1000.0, 1000.0),
        CtWindow(-1000.0, 0.0),
        CtWindow(-160.0, 240.0),
    )
    features: tuple[int, ...] = (24, 24, 48, 96, 144, 24)
    codec: SuvCodec = field(default_factory=SuvCodec)

    def __post_init__(self) -> None:
        """Refuse settings that no network can have."""
        if self.neighbours < 0 or not self.windows:
            raise ValueError("A model needs zero or more neighbours and at least one CT window.")
        if len(self.features) != 6 or min(self.features) < 4:
            raise ValueError("The generator needs six stages of at least 4 channels each.")
        if min(self.spacing_zyx_mm) <= 0:
            raise ValueError("The model's grid needs a positive spacing.")

    @property
    def input_channels(self) -> int:
        """Number of channels of the generator's input."""
        return (2 * self.neighbours + 1) * len(self.windows)


@dataclass(frozen=True, slots=True)
class CohortConfig:
    """Simulated participants by split; each split has its own seeds."""

    train: int = 60
    validation: int = 6
    test: int = 12
    seed: int = 11
    sites: tuple[str, ...] = ("SPH", "SEH", "NB2", "NCU", "ZMU")
    ct_shape: tuple[int, int, int] = (64, 192, 192)

    def __post_init__(self) -> None:
        """Refuse a split without participants."""
        if min(self.train, self.validation, self.test) < 1:
            raise ValueError("Training, validation and test each need at least one participant.")


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """How long and how the two networks are trained."""

    steps: int = 2000
    batch: int = 12
    seed: int = 5
    generator_rate: float = 4e-4
    discriminator_rate: float = 2e-4
    adversarial_weight: float = 0.02
    adversarial_from_step: int = 600
    lesion_weight: float = 6.0
    uptake_weight: float = 4.0
    check_every: int = 200
    threads: int = 2

    def __post_init__(self) -> None:
        """Refuse a training that cannot run."""
        if self.steps < 1 or self.batch < 1 or self.check_every < 1:
            raise ValueError("Training needs at least one step, one slice a batch, one check.")


@dataclass(frozen=True, slots=True)
class ReleaseConfig:
    """What the release is called."""

    name: str
    version: str
    created: str  # ISO date, given by a person: the same config gives the same release


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that one training run is made from."""

    release: ReleaseConfig
    model: ModelConfig = field(default_factory=ModelConfig)
    cohort: CohortConfig = field(default_factory=CohortConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
