"""The autoencoder whose latent space the latent bridge lives in (MONAI's AutoencoderKL).

Source and target codes pass through the same network, one channel each. Its own error is the floor
of what a latent model can reach: report it before any diffusion.
"""

from __future__ import annotations

import torch
from monai.networks.nets.autoencoderkl import AutoencoderKL
from torch import Tensor, nn

from synthesis.config import AutoencoderConfig


class LatentAutoencoder(nn.Module):
    """Codes (n, 1, *space) to latents and back; latents are scaled to a deviation near one."""

    latent_scale: Tensor

    def __init__(self, config: AutoencoderConfig, *, spatial_dims: int) -> None:
        super().__init__()
        levels = len(config.channels)
        self.network = AutoencoderKL(
            spatial_dims=spatial_dims,
            in_channels=1,
            out_channels=1,
            channels=config.channels,
            num_res_blocks=config.res_blocks,
            attention_levels=(False,) * levels,
            latent_channels=config.latent_channels,
            norm_num_groups=config.norm_groups,
            with_encoder_nonlocal_attn=False,
            with_decoder_nonlocal_attn=False,
        )
        self.register_buffer("latent_scale", torch.ones(()))

    def encode(self, code: Tensor) -> Tensor:
        """Return the mean of the latent, scaled."""
        mean, _ = self.network.encode(2 * code - 1)
        return mean * self.latent_scale

    def decode(self, latent: Tensor) -> Tensor:
        """Return codes of scaled latents."""
        out: Tensor = self.network.decode(latent / self.latent_scale)
        return (out + 1) / 2

    def distribution(self, code: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and deviation of the unscaled latent, for training."""
        mean, deviation = self.network.encode(2 * code - 1)
        return mean, deviation

    def reconstruct(self, latent: Tensor) -> Tensor:
        """Return codes of unscaled latents, for training."""
        out: Tensor = self.network.decode(latent)
        return (out + 1) / 2

    @torch.no_grad()
    def fit_scale(self, codes: Tensor) -> None:
        """Set the scale so that the latents of these training codes have a deviation of one."""
        deviation = self.distribution(codes)[0].std()
        self.latent_scale.copy_(1 / deviation.clamp_min(1e-6))
