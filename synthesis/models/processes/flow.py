"""Rectified flow on pairs (Liu 2023): straight paths from the source image to the target image.

x_t = (1 - t) x0 + t x1 with x1 = y + noise; the velocity dx/dt = x1 - x0 is learned.
"""

from __future__ import annotations

from torch import Tensor

from synthesis.config import FlowConfig
from synthesis.models.processes.times import wide

TIME_UNITS = 1000.0  # the time embedding is made for step numbers


class StraightFlow:
    """Marginals, velocity and Euler steps; t runs from 0 (target) to 1 (source)."""

    def __init__(self, config: FlowConfig) -> None:
        self.config = config

    def start(self, y: Tensor, eps: Tensor) -> Tensor:
        """Return x1: the source with a little noise, so that one source can have many targets."""
        return y + self.config.source_noise * eps

    def marginal(self, x0: Tensor, x1: Tensor, t: Tensor) -> Tensor:
        """Return x_t for times t (n,)."""
        share = wide(t, x0)
        return (1 - share) * x0 + share * x1

    def velocity(self, x0: Tensor, x1: Tensor) -> Tensor:
        """Return dx/dt, the same at every point of the path."""
        return x1 - x0

    def step(self, x_t: Tensor, velocity: Tensor, times: tuple[float, float]) -> Tensor:
        """Return x at the second, earlier time: one Euler step."""
        t, earlier = times
        return x_t - (t - earlier) * velocity

    def aim(self, x_t: Tensor, x_n: Tensor, times: tuple[float, float]) -> Tensor:
        """Return the velocity with which one Euler step leads from x_t to x_n: the mean one."""
        t, earlier = times
        return (x_t - x_n) / (t - earlier)
