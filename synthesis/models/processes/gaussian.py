"""The diffusion of Ho 2020 (DDPM) and the reverse steps of Song 2021 (DDIM).

x_t = sqrt(abar_t) x0 + sqrt(1 - abar_t) eps, with abar_t the product of 1 - beta.
"""

from __future__ import annotations

import torch
from monai.networks.schedulers import DDPMScheduler
from torch import Tensor

from synthesis.config import GaussianConfig
from synthesis.models.processes.times import at


class GaussianProcess:
    """Marginals, targets and reverse steps; t counts from 0 to T - 1."""

    def __init__(self, config: GaussianConfig) -> None:
        self.config = config
        self.T = config.T
        schedule = DDPMScheduler(
            num_train_timesteps=config.T,
            schedule="linear_beta",
            beta_start=config.beta_first,
            beta_end=config.beta_last,
        )
        self.beta = schedule.betas.double()
        self.abar = torch.cumprod(1 - self.beta, dim=0)

    def marginal(self, x0: Tensor, t: Tensor | int, eps: Tensor) -> Tensor:
        """Return x_t for step numbers t (n,) and standard noise eps."""
        abar = at(self.abar, t, x0)
        return abar.sqrt() * x0 + (1 - abar).sqrt() * eps

    def target(self, x0: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        """Return what the network learns: epsilon, x0, or v = sqrt(abar) eps - sqrt(1 - abar) x0."""
        if self.config.target == "epsilon":
            return eps
        if self.config.target == "x0":
            return x0
        abar = at(self.abar, t, x0)
        return abar.sqrt() * eps - (1 - abar).sqrt() * x0

    def estimate(self, x_t: Tensor, t: Tensor | int, f: Tensor) -> Tensor:
        """Return the estimate of x0 from the network's output f at x_t."""
        if self.config.target == "x0":
            return f
        abar = at(self.abar, t, x_t)
        if self.config.target == "v":
            return abar.sqrt() * x_t - (1 - abar).sqrt() * f
        return (x_t - (1 - abar).sqrt() * f) / abar.sqrt()

    def output(self, x_t: Tensor, t: int, x0: Tensor) -> Tensor:
        """Return what a network must say at x_t for `estimate` to give x0."""
        if self.config.target == "x0":
            return x0
        eps = self.noise_of(x_t, t, x0)
        if self.config.target == "epsilon":
            return eps
        abar = float(self.abar[t])
        return abar**0.5 * eps - (1 - abar) ** 0.5 * x0

    def noise_of(self, x_t: Tensor, t: int, x0: Tensor) -> Tensor:
        """Return the noise that leads from x0 to x_t."""
        abar = float(self.abar[t])
        return (x_t - abar**0.5 * x0) / (1 - abar) ** 0.5

    def sigma(self, t: int, n: int) -> float:
        """Return the deviation of x_n given x_t and x0, times eta; eta 1 is DDPM."""
        abar_t, abar_n = float(self.abar[t]), float(self.abar[n])
        share = (1 - abar_n) / (1 - abar_t) * (1 - abar_t / abar_n)
        return float(self.config.eta * max(share, 0.0) ** 0.5)

    def step(
        self, x_t: Tensor, x0: Tensor, steps: tuple[int, int], *, eps: Tensor | None
    ) -> Tensor:
        """Return x_n from x_t and the estimate x0, for steps (t, n) with n < t (DDIM, eq. 12)."""
        t, n = steps
        sigma = self.sigma(t, n) if eps is not None else 0.0
        abar_n = float(self.abar[n])
        towards = max(1 - abar_n - sigma**2, 0.0) ** 0.5 * self.noise_of(x_t, t, x0)
        mean = abar_n**0.5 * x0 + towards
        return mean if eps is None else mean + sigma * eps

    def aim(self, x_t: Tensor, x_n: Tensor, steps: tuple[int, int]) -> Tensor:
        """Return the x0 with which one step of DDIM leads from x_t to x_n (Salimans 2022, eq. 8).

        The step is affine in x0: x_n = a x0 + k x_t with k = sqrt((1 - abar_n) / (1 - abar_t)) and
        a = sqrt(abar_n) - k sqrt(abar_t). With n = -1, x_n is x0 itself.
        """
        t, n = steps
        if n < 0:
            return x_n
        abar_t, abar_n = float(self.abar[t]), float(self.abar[n])
        k = ((1 - abar_n) / (1 - abar_t)) ** 0.5
        return (x_n - k * x_t) / (abar_n**0.5 - k * abar_t**0.5)
