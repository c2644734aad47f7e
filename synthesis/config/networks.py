"""Sizes of networks, one dataclass an architecture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Architecture = Literal["basic", "isola"]
Norm = Literal["group", "batch", "instance"]


@dataclass(frozen=True, slots=True)
class GeneratorConfig:
    """A network that translates in one pass.

    `basic` has six stages of features; `isola` (Isola 2017) has one level per feature, each halving
    the image, so eight levels need 256 voxels a side.
    """

    architecture: Architecture = "basic"
    features: tuple[int, ...] = (24, 24, 48, 96, 144, 24)
    dropout: float = 0.0

    def __post_init__(self) -> None:
        """Refuse features that no network can have."""
        if self.architecture == "basic" and (len(self.features) != 6 or min(self.features) < 4):
            raise ValueError("The basic generator needs six stages of at least 4 channels each.")
        if self.architecture == "basic" and any(n % 4 for n in self.features):
            raise ValueError("Channels of the basic generator come in groups of four.")
        if len(self.features) < 3 or min(self.features) < 1 or not 0 <= self.dropout < 1:
            raise ValueError("A generator needs at least three levels, and dropout in 0 to 1.")


@dataclass(frozen=True, slots=True)
class CriticConfig:
    """A patch discriminator; three layers see patches of 70 voxels a side."""

    channels: int = 24
    layers: int = 3
    norm: Norm = "group"

    def __post_init__(self) -> None:
        """Refuse a critic without layers."""
        if self.channels < 4 or self.layers < 1:
            raise ValueError("A critic needs at least 4 channels and one layer.")


@dataclass(frozen=True, slots=True)
class DenoiserConfig:
    """A U-Net with time embedding (MONAI's DiffusionModelUNet)."""

    channels: tuple[int, ...] = (16, 32, 64)
    res_blocks: int = 1
    attention: tuple[bool, ...] = (False, False, False)
    head_channels: int = 16
    norm_groups: int = 8
    resample_in_blocks: bool = False  # down- and up-sampling inside residual blocks

    def __post_init__(self) -> None:
        """Refuse channels that cannot be grouped or split in heads."""
        if len(self.attention) != len(self.channels) or len(self.channels) < 2:
            raise ValueError("A denoiser needs two or more levels, with attention said for each.")
        if any(c % self.norm_groups for c in self.channels):
            raise ValueError(f"Channels must be multiples of {self.norm_groups} groups.")
        heads = [c for c, on in zip(self.channels, self.attention, strict=True) if on]
        if any(c % self.head_channels for c in (*heads, self.channels[-1])):
            raise ValueError(f"Attention needs multiples of {self.head_channels} channels.")

    @property
    def multiple(self) -> int:
        """Every side of the image must be a multiple of this."""
        return int(2 ** (len(self.channels) - 1))


@dataclass(frozen=True, slots=True)
class AutoencoderConfig:
    """A KL autoencoder shared by source and target codes; three levels halve twice (f4)."""

    channels: tuple[int, ...] = (16, 32, 32)
    res_blocks: int = 1
    latent_channels: int = 3
    norm_groups: int = 8
    kl_weight: float = 1e-6

    def __post_init__(self) -> None:
        """Refuse channels that cannot be grouped."""
        if len(self.channels) < 2 or any(c % self.norm_groups for c in self.channels):
            raise ValueError(f"An autoencoder needs levels in multiples of {self.norm_groups}.")
        if self.latent_channels < 1 or self.kl_weight < 0:
            raise ValueError("An autoencoder needs a latent channel and a weight not below zero.")

    @property
    def factor(self) -> int:
        """How many voxels a side become one."""
        return int(2 ** (len(self.channels) - 1))


@dataclass(frozen=True, slots=True)
class SegmentorConfig:
    """Learns from CT alone where uptake exceeds an absolute SUV."""

    features: tuple[int, ...] = (16, 16, 32, 64, 64, 16)
    threshold_suv: float = 2.5
    binarise_at: float = 0.5  # 0 keeps probabilities

    def __post_init__(self) -> None:
        """Refuse a threshold that is no uptake."""
        if len(self.features) != 6 or any(n < 4 or n % 4 for n in self.features):
            raise ValueError("The segmentor needs six stages in multiples of four channels.")
        if self.threshold_suv <= 0 or not 0 <= self.binarise_at < 1:
            raise ValueError("The segmentor needs a positive SUV and a cut in 0 to 1.")
