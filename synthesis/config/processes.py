"""Constants of the stochastic processes, in the papers' symbols."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Spacing = Literal["both_ends", "trailing"]


@dataclass(frozen=True, slots=True)
class GaussianConfig:
    """Ho 2020: T steps, beta linear from first to last; the network's target.

    Attributes
    ----------
    spacing
        Which steps few evaluations visit: see `synthesis.models.processes.sub_schedule`.
    """

    T: int = 1000
    beta_first: float = 1e-4
    beta_last: float = 0.02
    target: Literal["epsilon", "v", "x0"] = "epsilon"
    evaluations: int = 50
    eta: float = 0.0
    spacing: Spacing = "both_ends"

    def __post_init__(self) -> None:
        """Refuse a process that does not end in noise."""
        if self.T < 2 or not 0 < self.beta_first <= self.beta_last < 1:
            raise ValueError("The process needs two steps or more and 0 < beta < 1, rising.")
        if not 1 <= self.evaluations <= self.T or not 0 <= self.eta <= 1:
            raise ValueError("Sampling takes 1 to T evaluations and eta in 0 to 1.")


@dataclass(frozen=True, slots=True)
class BridgeConfig:
    """Li 2023 (BBDM): m_t linear from first to last, delta_t = 2 s (m_t - m_t^2).

    Attributes
    ----------
    eta
        Scales the noise that each step adds (the seed's meaning; the mean stays as if it were 1).
    deterministic
        No step adds noise, and the mean keeps the noise that is there (DBIM).
    boot_noise
        With `deterministic`: the first step adds noise all the same. The bridge starts at y, where
        there is none; without it the network is asked about images less noisy than it learned.
    start_noise
        With `deterministic`: sampling starts at y + sqrt(delta) eps, the marginal of the first
        step, in place of y, and no step adds noise. The image is then a function of y and eps,
        which is what a student of few steps can learn.
    spacing
        Which steps few evaluations visit: see `synthesis.models.processes.sub_schedule`.
    """

    T: int = 1000
    m_first: float = 0.001
    m_last: float = 0.999
    s: float = 1.0
    target: Literal["grad", "x0", "ysubx"] = "grad"
    loss: Literal["l1", "l2"] = "l1"
    evaluations: int = 200
    eta: float = 1.0
    deterministic: bool = False
    boot_noise: bool = False
    start_noise: bool = False
    spacing: Spacing = "both_ends"

    @property
    def stochastic(self) -> bool:
        """Another seed gives another image."""
        if self.deterministic:
            return self.boot_noise or self.start_noise
        return self.eta > 0

    def __post_init__(self) -> None:
        """Refuse a bridge that does not span from image to image."""
        if (self.boot_noise or self.start_noise) and not self.deterministic:
            raise ValueError("Boot noise is for the deterministic bridge; others add noise anyway.")
        if self.boot_noise and self.start_noise:
            raise ValueError("Noise is put on the start or on the first step, not on both.")
        if self.T < 2 or not 0 < self.m_first < self.m_last < 1 or self.s <= 0:
            raise ValueError("A bridge needs two steps or more, 0 < m < 1 rising, and s > 0.")
        if not 1 <= self.evaluations <= self.T or not 0 <= self.eta <= 1:
            raise ValueError("Sampling takes 1 to T evaluations and eta in 0 to 1.")


@dataclass(frozen=True, slots=True)
class FlowConfig:
    """Paired rectified flow: a straight path from the noisy source to the target."""

    source_noise: float = 0.1  # without it a deterministic map averages over what CT cannot say
    evaluations: int = 4

    def __post_init__(self) -> None:
        """Refuse noise below zero."""
        if self.source_noise < 0 or self.evaluations < 1:
            raise ValueError("A flow needs noise not below zero and at least one evaluation.")


@dataclass(frozen=True, slots=True)
class EdmConfig:
    """Karras 2022: ln sigma ~ N(p_mean, p_std^2); the steps of Heun's method."""

    p_mean: float = -0.4
    p_std: float = 1.0
    sigma_data: float = 0.5
    sigma_min: float = 0.002
    sigma_max: float = 80.0
    rho: float = 7.0
    evaluations: int = 35

    def __post_init__(self) -> None:
        """Refuse noise levels that are out of order."""
        if not 0 < self.sigma_min < self.sigma_max or min(self.sigma_data, self.p_std) <= 0:
            raise ValueError("Noise levels need 0 < smallest < largest, and positive deviations.")
        if self.rho <= 0 or self.evaluations < 1:
            raise ValueError("Sampling needs rho > 0 and at least one evaluation.")
