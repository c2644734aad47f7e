"""The denoiser of CPDM: guiding maps are brought to the size of the latent and given channels."""

from __future__ import annotations

import torch
from monai.networks.layers.factories import Conv
from torch import Tensor, nn

from synthesis.config import DenoiserConfig
from synthesis.models.denoiser import Denoiser

SMOOTH = {2: "bilinear", 3: "trilinear"}


class GuidedDenoiser(nn.Module):
    """f(x, t; maps, source) in pixel space, or in a latent `factor` times smaller.

    In a latent each map is halved linearly until it fits, then a trainable 1 x 1 convolution
    without bias gives it as many channels as the latent has.
    """

    def __init__(
        self,
        config: DenoiserConfig,
        *,
        spatial_dims: int,
        channels: int,
        maps: int,
        source_channels: int,
        factor: int,
    ) -> None:
        super().__init__()
        self.factor = factor
        self._mode = SMOOTH[spatial_dims]
        convolution = Conv[Conv.CONV, spatial_dims]
        wanted = maps if factor > 1 else 0
        self.projections = nn.ModuleList(
            convolution(1, channels, kernel_size=1, bias=False) for _ in range(wanted)
        )
        map_channels = maps * (channels if factor > 1 else 1)
        self.denoiser = Denoiser(
            config,
            spatial_dims=spatial_dims,
            in_channels=channels + map_channels + source_channels,
            out_channels=channels,
        )

    def forward(self, x: Tensor, t: Tensor, maps: Tensor | None, source: Tensor | None) -> Tensor:
        """Return (n, channels, *space).

        Parameters
        ----------
        maps
            (n, maps, *pixels); None when there are none.
        source
            Channels beside x and of its size; None when the source is not one.
        """
        guides = [] if maps is None else self.guides(maps)
        beside = [*guides, *([] if source is None else [source])]
        out: Tensor = self.denoiser(x, t, torch.cat(beside, dim=1) if beside else None)
        return out

    def guides(self, maps: Tensor) -> list[Tensor]:
        """Return the maps as channels of the size of x."""
        if self.factor == 1:
            return [maps]
        small, left = maps, self.factor
        while left > 1:
            small = nn.functional.interpolate(
                small, scale_factor=0.5, mode=self._mode, align_corners=False
            )
            left //= 2
        return [conv(small[:, k : k + 1]) for k, conv in enumerate(self.projections)]
