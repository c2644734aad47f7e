"""The patch discriminator of every adversarial family (MONAI's PatchDiscriminator)."""

from __future__ import annotations

from typing import Any

from monai.networks.nets.patchgan_discriminator import PatchDiscriminator
from torch import nn

from synthesis.config import CriticConfig

NORMS: dict[str, Any] = {
    "group": ("group", {"num_groups": 4}),
    "batch": "BATCH",
    "instance": ("instance", {"affine": True}),
}


def build_critic(config: CriticConfig, *, spatial_dims: int, in_channels: int) -> nn.Module:
    """Return a critic over source and target channels; the last of its outputs are the logits."""
    return PatchDiscriminator(
        spatial_dims=spatial_dims,
        channels=config.channels,
        in_channels=in_channels,
        out_channels=1,
        num_layers_d=config.layers,
        norm=NORMS[config.norm],
    )
