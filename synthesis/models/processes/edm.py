"""Noise levels and preconditioning of Karras 2022 (EDM): x = x0 + sigma eps."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from synthesis.config import EdmConfig


@dataclass(frozen=True, slots=True)
class Preconditioning:
    """Table 1 of the paper: input and target of the network keep unit variance at every sigma."""

    sigma_data: float

    def c_skip(self, sigma: Tensor) -> Tensor:
        """Return how much of the input passes: 1 without noise, 0 in pure noise."""
        return self.sigma_data**2 / (sigma**2 + self.sigma_data**2)

    def c_out(self, sigma: Tensor) -> Tensor:
        """Return the scale of the network's output: 0 without noise, sigma_data in pure noise."""
        return sigma * self.sigma_data / (sigma**2 + self.sigma_data**2).sqrt()

    def c_in(self, sigma: Tensor) -> Tensor:
        """Return the scale of the network's input."""
        return 1 / (sigma**2 + self.sigma_data**2).sqrt()

    def c_noise(self, sigma: Tensor) -> Tensor:
        """Return what the network is told of the noise level."""
        return sigma.log() / 4

    def weight(self, sigma: Tensor) -> Tensor:
        """Return lambda, by which all noise levels weigh the same at the start of training."""
        return (sigma**2 + self.sigma_data**2) / (sigma * self.sigma_data) ** 2


def training_sigmas(count: int, config: EdmConfig, generator: torch.Generator) -> Tensor:
    """Return (count,) noise levels with ln sigma ~ N(p_mean, p_std^2), drawn on the CPU."""
    return (torch.randn(count, generator=generator) * config.p_std + config.p_mean).exp()


def heun_sigmas(config: EdmConfig, steps: int) -> tuple[float, ...]:
    """Return the noise levels of the steps, largest first, and 0 at the end (equation 5)."""
    if steps < 1:
        raise ValueError("Sampling needs at least one step.")
    low, high = config.sigma_min ** (1 / config.rho), config.sigma_max ** (1 / config.rho)
    shares = [k / (steps - 1) if steps > 1 else 0.0 for k in range(steps)]
    return (*((high + share * (low - high)) ** config.rho for share in shares), 0.0)
