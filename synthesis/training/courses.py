"""How the learning rate goes over the steps of a stage."""

from __future__ import annotations

import math
from dataclasses import dataclass

from synthesis.config import RecipeConfig

LOWEST_SHARE = 0.02  # of the peak, at the end of a cosine
PLATEAU_FLOOR = 0.005
PROGRESS = 1e-4  # relative fall of the mean loss that counts


def rate_share(recipe: RecipeConfig, step: int) -> float:
    """Return the share of the peak rate at a step, plateaus apart."""
    warm_up = min(1.0, (step + 1) / recipe.warm_up_steps) if recipe.warm_up_steps else 1.0
    begin = recipe.decay_from_step
    if recipe.course == "cosine":
        wave = (1 + math.cos(math.pi * min(step / recipe.steps, 1.0))) / 2
        return warm_up * (LOWEST_SHARE + (1 - LOWEST_SHARE) * wave)
    if recipe.course == "linear_decay" and step > begin:
        return warm_up * max(0.0, (recipe.steps - step) / max(recipe.steps - begin, 1))
    if recipe.course == "inverse_sqrt" and step > max(begin, 1):
        return warm_up * math.sqrt(max(begin, 1) / step)
    return warm_up


@dataclass(slots=True)
class Plateau:
    """Halves the rate after `patience` steps without progress of the mean loss.

    It looks at the mean between two checks, so its patience is counted in whole checks.
    """

    share: float = 1.0
    best: float = math.inf
    since_step: int = 0

    def look(self, loss: float, step: int, recipe: RecipeConfig) -> None:
        """Take note of the mean loss up to a step."""
        if recipe.course != "plateau":
            return
        if loss < self.best * (1 - PROGRESS):
            self.best, self.since_step = loss, step
        elif step - self.since_step >= recipe.patience:
            self.share, self.since_step = max(PLATEAU_FLOOR, self.share / 2), step
