"""The U-Net with time embedding that every diffusion family trains (MONAI's DiffusionModelUNet)."""

from __future__ import annotations

import torch
from monai.networks.nets.diffusion_model_unet import DiffusionModelUNet
from torch import Tensor, nn

from synthesis.config import DenoiserConfig


class Denoiser(nn.Module):
    """f(x, t; conditions): the noisy image and its condition channels, concatenated."""

    def __init__(
        self, config: DenoiserConfig, *, spatial_dims: int, in_channels: int, out_channels: int
    ) -> None:
        super().__init__()
        self.network = DiffusionModelUNet(
            spatial_dims=spatial_dims,
            in_channels=in_channels,
            out_channels=out_channels,
            channels=config.channels,
            num_res_blocks=config.res_blocks,
            attention_levels=config.attention,
            num_head_channels=config.head_channels,
            norm_num_groups=config.norm_groups,
            resblock_updown=config.resample_in_blocks,
            use_flash_attention=True,  # torch's fused attention; it falls back by itself
        )

    def forward(self, x: Tensor, t: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Return (n, out, *space).

        Parameters
        ----------
        x
            (n, channels, *space).
        t
            (n,), of the order of 0 to 1000: the embedding is made for step numbers.
        conditions
            (n, more channels, *space), or None.
        """
        both = x if conditions is None else torch.cat([x, conditions], dim=1)
        out: Tensor = self.network(both, t)
        return out
