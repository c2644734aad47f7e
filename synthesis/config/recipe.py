"""How one stage of a family is trained: steps, batches, rates, averaging."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Course = Literal["constant", "cosine", "linear_decay", "inverse_sqrt", "plateau"]


@dataclass(frozen=True, slots=True)
class RecipeConfig:
    """One stage's training.

    Attributes
    ----------
    batch, accumulation
        Elements a step on the device, and steps whose gradients are added before one update.
    rate, critic_rate
        Peak learning rates; the second is for an adversarial critic.
    course
        How the rate goes after the warm-up. `linear_decay` and `inverse_sqrt` begin to fall at
        `decay_from_step`; `plateau` halves after `patience` steps without progress.
    ema_decay
        Of the exponential moving average of weights; 0 is none. It starts at `ema_from_step` and
        is updated every `ema_every` steps.
    largest_gradient
        Norm to which gradients are cut; 0 does not cut.
    """

    steps: int = 2000
    batch: int = 8
    accumulation: int = 1
    rate: float = 4e-4
    critic_rate: float = 2e-4
    betas: tuple[float, float] = (0.9, 0.999)
    course: Course = "cosine"
    warm_up_steps: int = 50
    decay_from_step: int = 0
    patience: int = 3000
    ema_decay: float = 0.0
    ema_from_step: int = 0
    ema_every: int = 1
    largest_gradient: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a training that cannot run."""
        if min(self.steps, self.batch, self.accumulation, self.ema_every) < 1:
            raise ValueError("Training needs at least one step, one element, one accumulation.")
        if not 0 <= self.ema_decay < 1 or min(self.rate, self.critic_rate) <= 0:
            raise ValueError("Rates are positive and the averaging decay lies in 0 to 1.")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError("The betas of Adam lie in 0 to 1.")
