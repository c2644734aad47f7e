"""The Brownian bridge between a target image x0 and a source image y (Li 2023, BBDM; CPDM).

x_t = (1 - m_t) x0 + m_t y + sqrt(delta_t) eps, with m_t linear in t and
delta_t = 2 s (m_t - m_t^2): no noise at either end.
"""

from __future__ import annotations

import torch
from torch import Tensor

from synthesis.config import BridgeConfig
from synthesis.models.processes.times import at


class BrownianBridge:
    """Marginals, targets and reverse steps; t counts from 0 (nearly x0) to T - 1 (nearly y)."""

    def __init__(self, config: BridgeConfig) -> None:
        self.config = config
        self.T = config.T
        m = torch.linspace(config.m_first, config.m_last, config.T, dtype=torch.float64)
        self.m = m
        self.delta = 2 * config.s * (m - m**2)

    def marginal(self, x0: Tensor, y: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        """Return x_t for step numbers t (n,) and standard noise eps."""
        m, delta = at(self.m, t, x0), at(self.delta, t, x0)
        return (1 - m) * x0 + m * y + delta.sqrt() * eps

    def target(self, x0: Tensor, y: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        """Return what the network learns: `grad` x_t - x0, `x0` itself, or `ysubx` y - x0."""
        if self.config.target == "x0":
            return x0
        if self.config.target == "ysubx":
            return y - x0
        m, delta = at(self.m, t, x0), at(self.delta, t, x0)
        return m * (y - x0) + delta.sqrt() * eps

    def output(self, x_t: Tensor, y: Tensor, x0: Tensor) -> Tensor:
        """Return what a network must say at x_t for `estimate` to give x0."""
        if self.config.target == "x0":
            return x0
        return y - x0 if self.config.target == "ysubx" else x_t - x0

    def start(self, y: Tensor, eps: Tensor) -> Tensor:
        """Return y + sqrt(delta_{T-1}) eps: the marginal at the first step, where x0 weighs none."""
        return y + float(self.delta[-1]) ** 0.5 * eps

    def estimate(self, x_t: Tensor, y: Tensor, f: Tensor) -> Tensor:
        """Return the estimate of x0 from the network's output f at x_t."""
        if self.config.target == "x0":
            return f
        return y - f if self.config.target == "ysubx" else x_t - f

    def posterior_variance(self, t: int, n: int) -> float:
        """Return sigma^2, the variance of x_n given x_t, x0 and y, for n < t."""
        delta_t, delta_n = float(self.delta[t]), float(self.delta[n])
        a = (1 - float(self.m[t])) / (1 - float(self.m[n]))
        return (delta_t - delta_n * a**2) * delta_n / delta_t

    def step(
        self, x_t: Tensor, x0: Tensor, y: Tensor, steps: tuple[int, int], *, eps: Tensor | None
    ) -> Tensor:
        """Return x_n from x_t and the estimate x0.

        Parameters
        ----------
        steps
            (t, n) with n < t.
        eps
            Standard noise; None for none. With `deterministic` sigma is 0 inside the root too (as
            DBIM does) unless there is noise, which is then added whole: the first step. Otherwise
            eta scales the added noise only (as CPDM does).
        """
        t, n = steps
        still = self.config.deterministic and eps is None
        sigma2 = 0.0 if still else self.posterior_variance(t, n)
        m_t, m_n = float(self.m[t]), float(self.m[n])
        keep = ((float(self.delta[n]) - sigma2) / float(self.delta[t])) ** 0.5
        mean = (1 - m_n) * x0 + m_n * y + keep * (x_t - (1 - m_t) * x0 - m_t * y)
        if eps is None:
            return mean
        eta = 1.0 if self.config.deterministic else self.config.eta
        return mean + eta * sigma2**0.5 * eps

    def aim(self, x_t: Tensor, x_n: Tensor, y: Tensor, steps: tuple[int, int]) -> Tensor:
        """Return the x0 with which one step without noise leads from x_t to x_n.

        The deterministic step is affine in x0: x_n = a x0 + (m_n - k m_t) y + k x_t with
        k = sqrt(delta_n / delta_t) and a = 1 - m_n - k (1 - m_t). With n = -1, x_n is x0 itself.
        """
        t, n = steps
        if n < 0:
            return x_n
        m_t, m_n = float(self.m[t]), float(self.m[n])
        k = (float(self.delta[n]) / float(self.delta[t])) ** 0.5
        return (x_n - (m_n - k * m_t) * y - k * x_t) / (1 - m_n - k * (1 - m_t))
