"""A U-Net that translates in one pass: the regression baseline and the basic pix2pix generator."""

from __future__ import annotations

import torch
from monai.networks.nets.basic_unet import BasicUNet
from torch import Tensor, nn

from synthesis.config import GeneratorConfig
from synthesis.models.isola import IsolaUNet


class Translator(nn.Module):
    """Source channels in, codec units (0 to 1) out; slices or blocks."""

    def __init__(
        self, spatial_dims: int, in_channels: int, out_channels: int, features: tuple[int, ...]
    ) -> None:
        super().__init__()
        first, second, third, fourth, fifth, last = features
        # Group norm: results do not depend on which images share a batch.
        self.network = BasicUNet(
            spatial_dims=spatial_dims,
            in_channels=in_channels,
            out_channels=out_channels,
            features=(first, second, third, fourth, fifth, last),
            norm=("group", {"num_groups": 4}),
            upsample="nontrainable",
        )

    def forward(self, source: Tensor) -> Tensor:
        """Return (n, out, *space) of (n, in, *space)."""
        return torch.sigmoid(self.network(source))


def build_translator(
    config: GeneratorConfig, *, spatial_dims: int, in_channels: int, out_channels: int
) -> nn.Module:
    """Return the generator of the configured architecture."""
    if config.architecture == "isola":
        return IsolaUNet(
            spatial_dims, in_channels, out_channels, config.features, dropout=config.dropout
        )
    return Translator(spatial_dims, in_channels, out_channels, config.features)
