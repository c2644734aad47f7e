"""The U-Net generator of pix2pix (Isola 2017), for slices and for blocks.

Each level is a convolution of width 4 and stride 2; the decoder mirrors the encoder and sees its
features. Instance norm stands where the paper writes batch norm: at the paper's batch of one they
are the same, and results do not depend on batch mates.
"""

from __future__ import annotations

import torch
from monai.networks.layers.factories import Conv, Norm
from torch import Tensor, nn

DROPPED_LEVELS = 3  # the innermost levels of the decoder carry the dropout


class IsolaUNet(nn.Module):
    """Source channels in, codec units (0 to 1) out; each side a multiple of 2 ** levels."""

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        out_channels: int,
        features: tuple[int, ...],
        *,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        levels = len(features)
        self.encoder = nn.ModuleList(
            _Down(
                spatial_dims, in_channels if k == 0 else features[k - 1], features[k],
                normed=0 < k < levels - 1,
            )
            for k in range(levels)
        )  # fmt: skip
        self.decoder = nn.ModuleList(
            _Up(
                spatial_dims,
                features[k] if k == levels - 1 else 2 * features[k],
                features[k - 1],
                dropout=dropout if levels - DROPPED_LEVELS - 1 <= k < levels - 1 else 0.0,
            )
            for k in range(levels - 1, 0, -1)
        )
        self.last = Conv[Conv.CONVTRANS, spatial_dims](2 * features[0], out_channels, 4, 2, 1)

    def forward(self, source: Tensor) -> Tensor:
        """Return (n, out, *space) of (n, in, *space)."""
        seen: list[Tensor] = []
        inner = source
        for down in self.encoder:
            inner = down(inner)
            seen.append(inner)
        inner = seen.pop()
        for up in self.decoder:
            inner = torch.cat([up(inner), seen.pop()], dim=1)
        return torch.sigmoid(self.last(torch.relu(inner)))


class _Down(nn.Module):
    """Leaky ReLU (but for the image itself), convolution, norm."""

    def __init__(self, spatial_dims: int, channels: int, features: int, *, normed: bool) -> None:
        super().__init__()
        self.conv = Conv[Conv.CONV, spatial_dims](channels, features, 4, 2, 1, bias=not normed)
        self.norm = Norm["instance", spatial_dims](features, affine=True) if normed else None

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        if self.norm is not None:
            x = self.norm(x)
        return nn.functional.leaky_relu(x, 0.2)


class _Up(nn.Module):
    """ReLU, transposed convolution, norm, dropout."""

    def __init__(self, spatial_dims: int, channels: int, features: int, *, dropout: float) -> None:
        super().__init__()
        self.conv = Conv[Conv.CONVTRANS, spatial_dims](channels, features, 4, 2, 1, bias=False)
        self.norm = Norm["instance", spatial_dims](features, affine=True)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv(torch.relu(x)))
        return self.dropout(x)
