"""Karras 2022 (EDM): D(x; sigma) = c_skip x + c_out F(c_in x; c_noise), with learned uncertainty."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from synthesis.config import DenoiserConfig
from synthesis.models.denoiser import Denoiser
from synthesis.models.processes.edm import Preconditioning

NOISE_UNITS = 1000.0  # the time embedding is made for step numbers


class PreconditionedDenoiser(nn.Module):
    """The denoiser of EDM and its log variance u(sigma), which balances noise levels in the loss."""

    def __init__(
        self,
        config: DenoiserConfig,
        sigma_data: float,
        *,
        spatial_dims: int,
        in_channels: int,
        out_channels: int,
    ) -> None:
        super().__init__()
        self.preconditioning = Preconditioning(sigma_data)
        self.denoiser = Denoiser(
            config, spatial_dims=spatial_dims, in_channels=in_channels, out_channels=out_channels
        )
        last = nn.Linear(32, 1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.log_variance = nn.Sequential(nn.Linear(1, 32), nn.SiLU(), last)

    def forward(self, x: Tensor, sigma: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Return the estimate of the clean image, in float32 whatever the network computes in.

        Parameters
        ----------
        x
            (n, channels, *space), clean image plus noise of deviation sigma.
        sigma
            (n,).
        """
        c = self.preconditioning
        x, sigma = x.float(), sigma.float()
        wide = sigma.reshape(-1, *(1,) * (x.ndim - 1))
        f = self.denoiser(c.c_in(wide) * x, NOISE_UNITS * c.c_noise(sigma), conditions)
        return c.c_skip(wide) * x + c.c_out(wide) * f.float()

    def u(self, sigma: Tensor) -> Tensor:
        """Return the log variance (n,) at these noise levels."""
        noise: Tensor = self.log_variance(self.preconditioning.c_noise(sigma.float())[:, None])
        return torch.squeeze(noise, 1).float()
