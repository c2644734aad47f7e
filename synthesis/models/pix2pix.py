"""The conditional adversarial pair: a U-Net that translates and a critic that looks at patches."""

from __future__ import annotations

import torch
from monai.networks.nets.basic_unet import BasicUNet
from monai.networks.nets.patchgan_discriminator import PatchDiscriminator
from torch import Tensor, nn

from synthesis.config import ModelConfig


class Generator(nn.Module):
    """CT slices in, one PET slice in codec units (0 to 1) out."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        first, second, third, fourth, fifth, last = config.features
        # Group norm: results do not depend on which slices share a batch.
        self.network = BasicUNet(
            spatial_dims=2,
            in_channels=config.input_channels,
            out_channels=1,
            features=(first, second, third, fourth, fifth, last),
            norm=("group", {"num_groups": 4}),
            upsample="nontrainable",
        )

    def forward(self, ct: Tensor) -> Tensor:
        """Return (n, 1, y, x) of (n, channels, y, x)."""
        return torch.sigmoid(self.network(ct))


def build_generator(config: ModelConfig, seed: int) -> Generator:
    """Return a generator whose initial weights follow from the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Generator(config)


def build_discriminator(config: ModelConfig, seed: int) -> nn.Module:
    """Return a patch discriminator over CT slices and one PET slice."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return PatchDiscriminator(
            spatial_dims=2,
            channels=24,
            in_channels=config.input_channels + 1,
            out_channels=1,
            num_layers_d=3,
            norm=("group", {"num_groups": 4}),
        )
