"""The exponential moving average of the weights that a stage trains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from synthesis.config import RecipeConfig
from synthesis.families import Family

Weights = dict[str, Tensor]  # "part/tensor"


def weights_of(family: Family, parts: Sequence[str]) -> Weights:
    """Return copies of the parts' tensors."""
    return {
        f"{part}/{name}": tensor.detach().clone()
        for part in parts
        for name, tensor in family.networks[part].state_dict().items()
    }


def put_weights(family: Family, weights: Weights) -> None:
    """Fill the networks that the weights name."""
    for part in sorted({key.split("/", 1)[0] for key in weights}):
        own = {k.split("/", 1)[1]: t for k, t in weights.items() if k.startswith(f"{part}/")}
        family.networks[part].load_state_dict(own)


class Average:
    """w_ema <- decay w_ema + (1 - decay) w; without a decay it is the weights themselves."""

    def __init__(self, family: Family, parts: Sequence[str], recipe: RecipeConfig) -> None:
        self._family = family
        self._parts = tuple(parts)
        self._recipe = recipe
        self.weights: Weights = {}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after `step` steps."""
        recipe = self._recipe
        if not recipe.ema_decay or step < recipe.ema_from_step or step % recipe.ema_every:
            return
        if not self.weights:
            self.weights = weights_of(self._family, self._parts)
            return
        moving: tuple[list[Tensor], list[Tensor]] = ([], [])
        for part in self._parts:
            for name, tensor in self._family.networks[part].state_dict().items():
                average = self.weights[f"{part}/{name}"]
                if average.is_floating_point():
                    moving[0].append(average)
                    moving[1].append(tensor)
                else:
                    average.copy_(tensor)
        torch._foreach_lerp_(*moving, 1 - recipe.ema_decay)  # as torch.optim.swa_utils does

    def current(self) -> Weights:
        """Return the averaged weights; the present ones before averaging begins."""
        if self.weights:
            return {name: tensor.clone() for name, tensor in self.weights.items()}
        return weights_of(self._family, self._parts)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the family compute with the averaged weights for a while."""
        if not self.weights:
            yield
            return
        own = weights_of(self._family, self._parts)
        put_weights(self._family, self.weights)
        try:
            yield
        finally:
            put_weights(self._family, own)
